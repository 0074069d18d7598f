/** Where a value stands in a document. All elements of an array stand in one place. */
export interface Place<T> {
  /** `customers[].email`; empty for the document itself. */
  readonly path: string;
  /** The nearest key above. */
  readonly key: string;
  readonly parent: Place<T> | undefined;
  /** Whatever the caller worked out about it: documents repeat a few places thousands of times. */
  own: T | undefined;
}

/** Beyond, places are made anew each time they are met: a document with an id as key for each record has no end of them. */
const mostKept = 10_000;
/** Characters. INVARIANT: what is asked about a place costs no more than this times its number of levels. */
const longestPath = 16_384;

export class PlaceNode<T> implements Place<T> {
  readonly path: string;
  readonly key: string;
  readonly parent: PlaceNode<T> | undefined;
  own: T | undefined = undefined;
  /** The key's bytes, as they were spelled when it was first met, up to its quote. */
  readonly spelled: Uint8Array;
  /** Records name their fields in the same order: the member behind this one, and the one that is expected now. */
  next: PlaceNode<T> | undefined = undefined;
  expected: PlaceNode<T> | undefined = undefined;
  element: PlaceNode<T> | undefined = undefined;
  members: Map<string, PlaceNode<T>> | undefined = undefined;
  first: PlaceNode<T> | undefined = undefined;
  last: PlaceNode<T> | undefined = undefined;

  constructor(path: string, key: string, parent: PlaceNode<T> | undefined, spelled: Uint8Array) {
    this.path = path;
    this.key = key;
    this.parent = parent;
    this.spelled = spelled;
  }
}

const none = new Uint8Array();

/** The places of the documents of one kind, kept from one document to the next. */
export class Places<T> {
  readonly root: PlaceNode<T>;
  #kept = 0;

  /** `key`: what the documents themselves are called, where they stand in others. */
  constructor(key: string = '') {
    this.root = new PlaceNode<T>('', key, undefined, none);
  }

  /** The elements of an array; undefined where its path grows too long. */
  elementOf(array: PlaceNode<T>): PlaceNode<T> | undefined {
    if (array.element !== undefined) return array.element;
    if (array.path.length > longestPath) return undefined;
    const made = new PlaceNode(`${array.path}[]`, array.key, array, none);
    if (this.#keep(array)) array.element = made;
    return made;
  }

  /** The member of this name, which is spelled so here; undefined where its path grows too long. */
  memberOf(object: PlaceNode<T>, key: string, spelled: Uint8Array): PlaceNode<T> | undefined {
    const known = object.members?.get(key);
    if (known !== undefined) {
      object.expected = known.next ?? object.first;
      return known;
    }
    if (object.path.length + key.length > longestPath) return undefined;
    const path = object.path === '' ? key : `${object.path}.${key}`;
    if (!this.#keep(object)) return new PlaceNode(path, key, object, none);
    const made = new PlaceNode(path, key, object, spelled.slice());
    object.members ??= new Map();
    object.members.set(key, made);
    if (object.last === undefined) object.first = made;
    else object.last.next = made;
    object.last = made;
    object.expected = object.first;
    return made;
  }

  /** What hangs on something that is not kept is not kept either. */
  #keep(above: PlaceNode<T>): boolean {
    const kept = above.parent === undefined || isKept(above);
    if (!kept || this.#kept >= mostKept) return false;
    this.#kept++;
    return true;
  }
}

function isKept<T>(node: PlaceNode<T>): boolean {
  const { parent } = node;
  return parent === undefined || parent.element === node || parent.members?.get(node.key) === node;
}

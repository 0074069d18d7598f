import { isMap, LineCounter, parseAllDocuments } from 'yaml';
import {
  type DocumentAction,
  isRecord,
  listOf,
  plannedAction,
  type ReadDocument,
  textOf,
  valuesOf,
} from './documents.ts';

/** Manifests: YAML or JSON, several in one file. Undefined: there is none in this file. */
export function readManifests(file: string, source: string): ReadDocument | undefined {
  if (!/^[\s"'{-]*apiVersion\b/m.test(source) && !/"apiVersion"/.test(source)) return undefined;
  if (/apiVersion:\s*["']?sallyport\//.test(source)) return undefined; // a policy of ours
  const lines = new LineCounter();
  const actions: DocumentAction[] = [];
  const unread: ReadDocument['unread'][number][] = [];
  for (const document of parseAllDocuments(source, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
  })) {
    if (!('contents' in document)) continue;
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      const why = source.includes('{{') ? 'It is a template: scan what it renders to' : 'It is not YAML';
      unread.push({ piece: { file, line, col }, why });
      break; // where one document does not end, the next cannot be found
    }
    const { line, col } = lines.linePos(isMap(document.contents) ? (document.contents.range?.[0] ?? 0) : 0);
    let plain: unknown;
    try {
      plain = document.toJS({ maxAliasCount: 100 });
    } catch {
      unread.push({ piece: { file, line, col }, why: 'Its aliases have no end' });
      continue;
    }
    for (const each of objectsIn(plain)) {
      actions.push({ piece: { file, line, col }, action: actionOf(each) });
    }
  }
  if (actions.length === 0 && unread.length === 0) return undefined;
  return { kind: 'kubernetes', actions, findings: [], unread };
}

type Manifest = Readonly<Record<string, unknown>>;

function objectsIn(document: unknown): readonly Manifest[] {
  if (!isRecord(document) || typeof document['apiVersion'] !== 'string') return [];
  if (typeof document['kind'] !== 'string') return [];
  if (document['kind'] === 'List') return listOf(document['items']).flatMap(objectsIn);
  return [document];
}

function actionOf(manifest: Manifest): DocumentAction['action'] {
  const metadata = isRecord(manifest['metadata']) ? manifest['metadata'] : {};
  const type = textOf(manifest['kind']);
  const namespace = textOf(metadata['namespace']) || 'default';
  const name = textOf(metadata['name']) || textOf(metadata['generateName']) || '*';
  const pods = podsIn(manifest);
  const containers = pods.flatMap((pod) =>
    ['containers', 'initContainers', 'ephemeralContainers'].flatMap((key) =>
      listOf(pod[key]).filter(isRecord),
    ),
  );
  const secret = type === 'Secret';
  const values = valuesOf(manifest, ([key]) => secret && (key === 'data' || key === 'stringData'));
  return plannedAction({
    verb: 'kubernetes.apply',
    access: values === undefined ? 'unknown' : 'define',
    kind: type,
    name: `${namespace}/${name}`,
    attributes: {
      type,
      address: `${namespace}/${type}/${name}`,
      namespace,
      values: values ?? [],
      changed: [],
      images: containers.map((each) => textOf(each['image'])).filter((each) => each !== ''),
      privileged: containers.some(isPrivileged),
      hostAccess: pods.some(reachesHost),
    },
    ...(values === undefined ? { note: 'It has more values than can be judged' } : {}),
  });
}

/** Every pod's spec in it, wherever a controller puts one. */
function podsIn(value: unknown): readonly Manifest[] {
  if (Array.isArray(value)) return value.flatMap(podsIn);
  if (!isRecord(value)) return [];
  const here = Array.isArray(value['containers']) ? [value] : [];
  return [...here, ...Object.values(value).flatMap(podsIn)];
}

function isPrivileged(container: Manifest): boolean {
  const context = container['securityContext'];
  if (!isRecord(context)) return false;
  const capabilities = isRecord(context['capabilities']) ? listOf(context['capabilities']['add']) : [];
  return context['privileged'] === true || capabilities.length > 0;
}

function reachesHost(pod: Manifest): boolean {
  const shares = ['hostNetwork', 'hostPID', 'hostIPC'].some((key) => pod[key] === true);
  return shares || listOf(pod['volumes']).some((each) => isRecord(each) && each['hostPath'] !== undefined);
}

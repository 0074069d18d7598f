import { isMap, LineCounter, type Node, parseAllDocuments } from 'yaml';
import {
  type DocumentAction,
  isRecord,
  listOf,
  plannedAction,
  type ReadDocument,
  textOf,
  valuesOf,
} from './documents.ts';
import type { Piece } from './finding.ts';

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
      const why = source.includes('{{') ? template : `It is not YAML: ${error.message}`;
      unread.push({ piece: { file, line, col }, why });
      break; // where one document does not end, the next cannot be found
    }
    const placeOf = (node: unknown): Piece => {
      const { line, col } = lines.linePos((node as Node | undefined)?.range?.[0] ?? 0); // no node: the top
      return { file, line: Math.max(line, 1), col: Math.max(col, 1) };
    };
    const piece = placeOf(isMap(document.contents) ? document.contents : undefined);
    const text = source.slice(document.range[0], document.range[2]);
    if (ofHelm.test(text)) {
      unread.push({ piece, why: template });
      continue;
    }
    let plain: unknown;
    try {
      plain = document.toJS({ maxAliasCount: 100 });
    } catch {
      unread.push({ piece, why: 'Its aliases have no end' });
      continue;
    }
    for (const { manifest, path } of objectsIn(plain)) {
      actions.push({
        piece: path.length === 0 ? piece : placeOf(document.getIn(path, true)),
        action: actionOf(manifest),
      });
    }
  }
  if (actions.length === 0 && unread.length === 0) return undefined;
  return { kind: 'kubernetes', actions, findings: [], unread };
}

const template = 'It is a template: scan what it renders to (`helm template`, `kustomize build`)';

/** Words of Helm. Others write `{{ }}` too, into texts that are their own: alerts of Prometheus, workflows of Argo. */
const ofHelm =
  /\{\{-?\s*(?:\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|include\b|template\b|define\b|toYaml\b|tpl\b)/;

type Manifest = Readonly<Record<string, unknown>>;

interface Found {
  readonly manifest: Manifest;
  /** Where it stands in its document. */
  readonly path: readonly (string | number)[];
}

/** `List`, and what the API answers: a `PodList`, whose items say their kind or leave it to the list. */
function objectsIn(document: unknown, path: readonly (string | number)[] = []): readonly Found[] {
  if (!isRecord(document) || typeof document['apiVersion'] !== 'string') return [];
  const { kind, apiVersion, items } = document;
  // What only `kustomize` reads is brought into no cluster.
  if (typeof kind !== 'string' || apiVersion.startsWith('kustomize.config.k8s.io/')) return [];
  if (!kind.endsWith('List') || !Array.isArray(items)) return [{ manifest: document, path }];
  return items.flatMap((item: unknown, at) => {
    const own = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
    return objectsIn(isRecord(item) ? { ...own, ...item } : item, [...path, 'items', at]);
  });
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

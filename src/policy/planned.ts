import type { Kind } from './kinds.ts';

/**
 * Resource kinds of what is judged before it ships (`sallyport scan`): files that describe a cluster or a cloud, and what
 * other scanners found. Where a protocol has the same kind, its verbs and attributes are joined with these.
 */
const changes = {
  type: 'string', // of the resource: `Deployment`, `aws_s3_bucket`, `aws:s3/bucket:Bucket`
  address: 'string', // which one: `shop/web`, `aws_s3_bucket.logs`, a URN
  values: 'strings', // what it will be, as `path=value`: `spec.replicas=3`; secrets left out
  changed: 'strings', // paths whose value changes, where it is known
} as const;

const ofPlans = {
  ...changes,
  provider: 'string',
  unknown: 'strings', // paths of what will be known only once it is applied: no rule can read these in `values`
} as const;

export const planned: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [
    'kubernetes',
    {
      verbs: { 'kubernetes.apply': 'Brings an object of a manifest into the cluster' },
      attributes: {
        ...changes,
        namespace: 'string',
        images: 'strings',
        privileged: 'boolean', // a container with the rights of its host: privileged, or added capabilities
        hostAccess: 'boolean', // hostNetwork, hostPID, hostIPC, hostPath
      },
    },
  ],
  ['terraform', { verbs: verbsOf('terraform'), attributes: ofPlans }],
  ['pulumi', { verbs: verbsOf('pulumi'), attributes: ofPlans }],
  [
    'scanner',
    {
      verbs: { 'scanner.finding': 'Something that another scanner found' },
      attributes: {
        tool: 'string',
        rule: 'string',
        level: 'string', // SARIF's: none, note, warning, error
        severity: 'number', // `security-severity` of its rule, 0 to 10; 0 where it has none
        path: 'string',
      },
    },
  ],
]);

function verbsOf(kind: string): Readonly<Record<string, string>> {
  return {
    [`${kind}.create`]: 'Makes a resource',
    [`${kind}.update`]: 'Changes a resource in place',
    [`${kind}.replace`]: 'Removes a resource and makes another in its place',
    [`${kind}.delete`]: 'Removes a resource',
    [`${kind}.read`]: 'Reads a resource',
    [`${kind}.keep`]: 'Leaves a resource as it is',
  };
}

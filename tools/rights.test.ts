import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';

// Which folder may import which package, and why. Whatever is not listed may not be imported.
const rights: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  base: {},
  core: {},
  policy: {
    yaml: 'policies are YAML; it keeps positions for file:line:col',
    '@bufbuild/cel': 'parser and evaluator of conditions',
    re2js: 'patterns of users must be linear-time',
    'node:crypto': 'the digest of a policy',
    'node:module': 'the whole YAML reader is loaded when a file needs it',
    'node:zlib': 'bundles of OPA are gzip',
  },
  opa: {
    '@open-policy-agent/opa-wasm': "OPA's own runtime of policies compiled to WebAssembly",
    'node:worker_threads': 'a thread that can be ended when a policy takes too long',
    'node:http': 'an OPA server on this machine',
    'node:https': 'OPA servers, and where bundles lie',
  },
  mask: {
    'libphonenumber-js': 'numbering plans of the world are data, not code',
    re2js: 'patterns of users must be linear-time',
    'node:crypto': 'keyed hashes, tokens',
    'node:net': 'whether a text is an address; opens nothing',
    'node:zlib': 'the lists of names are compressed',
    wabt: 'tests only: the code of the sieve is made from its text',
  },
  ner: {
    'node:fs': 'the files of a model',
    'node:path': 'the files of a model',
    'node:module': 'loads both packages from the folder that the settings name',
    'onnxruntime-node': 'runs models; only where somebody has installed it, so never by a plain import',
    '@huggingface/tokenizers':
      "reads models' tokenizers; only where somebody has installed it, so never by a plain import",
  },
  sql: {
    'libpg-query': "PostgreSQL's own parser",
    'node:worker_threads': 'parsing happens off the main thread',
  },
  ledger: { 'node:crypto': 'SHA-256, Ed25519, AES-GCM' },
  record: { 'node:zlib': 'zstd', 'node:crypto': 'AES-GCM, SHA-256' },
  reviews: { 'node:crypto': 'digests that bind an approval' },
  gate: { re2js: 'the id of a ticket is matched by a pattern of a policy, in linear time' },
  carriers: {
    'node:net': 'sockets',
    'node:tls': 'TLS',
    'node:buffer': 'whether bytes are UTF-8',
    'node:crypto': 'channel binding',
    'node:http': "Node's strict parser and writer of HTTP/1.1",
    'node:http2': 'HTTP/2',
    'node:stream': 'what they read from and write to',
    'node:zlib': 'content codings',
    'node:worker_threads': 'workers with a deadline',
    ws: 'framing of WebSocket, both ways: strict, fuzzed by Autobahn, without dependencies of its own',
  },
  stores: {
    'node:fs': 'files',
    'node:fs/promises': 'files',
    'node:path': 'paths',
    'node:crypto': 'names of files, keys of the ledger and of witnesses, signatures of requests to S3',
    'node:child_process': 'Git keeps heads of the ledger as tags',
    'node:sqlite': 'the index; what is kept how long; a lock that ends with the process',
    'node:timers/promises': 'a store that is busy is asked again later',
    aws4fetch: 'signs requests to S3',
    'node:worker_threads': 'the ledger is committed and published off the main thread',
    pg: "the index of several gateways in PostgreSQL: SCRAM, TLS and the protocol are its makers' work",
    'node:zlib': 'zstd of recordings, CRC-32 of frames in the write-ahead log',
  },
  channels: {
    '@slack/web-api': "Slack's own client: rate limits, retries",
    '@slack/socket-mode': "Slack's own client for a gateway without an inbound port",
    jose: 'tokens of the Bot Connector',
    nodemailer: 'e-mail',
    'node:crypto': 'signatures of requests',
    'node:sqlite': 'where a review was told, so that its card can be updated after a restart',
  },
  sinks: {
    'node:crypto': 'random ids of channels of Splunk',
    'node:fs/promises': 'cursors, batches in files, refused entries',
    'node:net': 'whether a host is an address',
    'node:path': 'paths',
    'node:tls': 'syslog over TLS',
  },
  identity: { jose: 'signed tokens', 'node:crypto': 'keys' },
  protocols: {
    'node:crypto': 'SCRAM, md5, cancel keys; seals tokens of MCP servers',
    'node:fs/promises':
      'what a platform says of the gateway, to sign in to MCP servers: it changes while it runs',
    graphql: 'reads what GraphQL requests do',
    protobufjs: 'reads schemas of gRPC services: .proto and descriptor sets',
    'node:zlib': 'compressed messages of gRPC',
    'node:util': 'compressed messages of gRPC',
    'node:buffer': 'whether bytes are UTF-8',
    yaml: 'OpenAPI documents are YAML',
    '@modelcontextprotocol/client': 'speaks to MCP servers over HTTP and pipes, in both eras',
    '@modelcontextprotocol/server': 'tells the eras of MCP apart, checks arguments against schemas',
    'node:async_hooks': 'whose request a call of the MCP client library belongs to',
  },
  server: {
    hono: 'routes of the API',
    '@hono/node-server': 'serves hono on node:http',
    '@modelcontextprotocol/server': "the demo's own MCP server",
    'prom-client': 'metrics in the format of Prometheus',
    '@peculiar/x509': 'the demo and a gateway without a certificate make their own CA',
    yaml: 'the configuration is YAML',
    'node:*': 'everything of the outside is put in here',
  },
  scan: {
    yaml: 'manifests are YAML; it keeps lines',
    'node:fs/promises': 'reads what is scanned',
    'node:path': 'paths',
    'node:child_process': 'asks Git who wrote a line',
    'node:util': 'promises of it',
  },
  cli: {
    '@sigstore/bundle': 'the format of keyless signatures',
    '@sigstore/sign': 'signs attestations with the identity of a job',
    '@sigstore/verify': 'verifies such signatures',
    '@sigstore/tuf': 'the trust root of the public-good instance',
    '@sigstore/protobuf-specs': 'reads a trust root from a file',
    'vscode-languageserver': 'the protocol between editors and sallyport lsp',
    yaml: 'prints and reads YAML',
    'node:*': 'the terminal and the file system',
    pg: 'asks a server what it counted, to compare with the record',
  },
};

const tests: Readonly<Record<string, string>> = {
  'node:*': 'tests may use all of Node',
  'fast-check': 'properties',
  '@cedar-policy/cedar-wasm': 'compared with in the bench of decisions',
  '@bufbuild/cel-spec': 'the conformance cases of CEL',
  'oxc-parser': "reads the types of providers' SDKs: what an answer can hold",
  pg: 'a real client',
  postgres: 'a real client',
  stdnum: 'another implementation of national numbers, to compare with',
  ws: 'a real client and server of WebSocket; a fake of the socket of Slack',
  jose: 'a fake that signs tokens',
  standardwebhooks: 'the verifier of others for our signatures',
  'smtp-server': 'a real server for e-mail',
  s3rver: 'a store that speaks the API of S3',
  '@sigstore/mock': 'Fulcio, Rekor and a time stamping authority on this machine',
  ajv: 'validates OSCAL and SARIF against their published schemas',
  'ajv-formats': 'formats of these schemas',
};

const src = join(import.meta.dirname, '..', 'src');

function allowed(file: string, name: string): boolean {
  const granted = {
    ...rights[file.split('/')[0] ?? ''],
    ...(/\.test\.ts$|\/(?:fake|conformance)\.ts$/.test(file) ? tests : {}),
  };
  const known = new Set(Object.keys(granted));
  const whole = name.startsWith('node:')
    ? name
    : name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/');
  return known.has(whole) || (name.startsWith('node:') && known.has('node:*'));
}

test('the rights test sees a package where it may not be', () => {
  assert.equal(allowed('base/result.ts', 'node:fs'), false);
  assert.equal(allowed('sql/access.ts', 'pg'), false);
  assert.equal(allowed('sql/parse.ts', 'libpg-query'), true);
});

test('every package is imported only where its reason stands', () => {
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)));
  const uses = files.flatMap((file) =>
    [
      ...readFileSync(join(src, file), 'utf8').matchAll(
        /^(?:import|export)\b[^;]*?\bfrom\s+'([^.'][^']*)'|^import\s+'([^.'][^']*)'|\bimport\(\s*'([^.'][^']*)'/gm,
      ),
    ].map((match) => [file, match[1] ?? match[2] ?? match[3] ?? ''] as const),
  );
  assert.ok(files.length > 15);
  assert.deepEqual(
    uses.filter(([file, name]) => !allowed(file, name)).map(([file, name]) => `${file} -> ${name}`),
    [],
  );
});

import { brokenRequests, fakeClient, fakeService, keptOf, stageHost } from '../../carriers/http/fake.ts';
import type { Rehearsal } from '../../core/rehearsal.ts';

// A web service with people in it: for protocols/conformance.ts.

const value = '421-33-9087';
const answers: Readonly<Record<string, string>> = {
  'GET /plain': '{"plain": [1, 2.0]}',
  'GET /people': `{"people": [{"ssn": "${value}"}, {"ssn": "${value}"}]}`,
};

export const rehearsal: Rehearsal = {
  settings: { url: 'http://127.0.0.1:1', hosts: [stageHost] },
  resource: (wire) =>
    void fakeService(wire, ({ line }) => answers[line.split(' ').slice(0, 2).join(' ')] ?? '{"done": true}'),
  client: (wire, as) => Promise.resolve(fakeClient(wire, as)),
  kept: keptOf,
  column: { object: '/people', column: 'people[].ssn' },
  value,
  requests: {
    read: { text: 'GET /plain', mark: '/plain' },
    sensitive: { text: 'GET /people', mark: '/people' },
    write: { text: 'POST /notes\n\n{"note": 1.0}', mark: '/notes' },
    unreadable: [
      { text: 'POST /broken\n\n{"a":', mark: '/broken' },
      { text: 'POST /doubled\n\n{"a":1,"a":2}', mark: '/doubled' },
      { text: 'POST /graphql\n\n{"id":"stored"}', mark: '/graphql' },
      { text: 'GET /a/../dotted', mark: 'dotted' },
    ],
  },
  verbs: {
    'http.request': 'GET /plain',
    'http.graphql': 'POST /graphql\n\n{"query":"{ people { id } }"}',
    'http.grpc': 'GRPC /shop.v1.Orders/Get',
    'http.upgrade': 'WEBSOCKET /talk',
    'http.message': 'SEND /talk\n\n{"say":"hello"}',
  },
  broken: brokenRequests,
};

import { brokenRequests, fakeClient, fakeService, keptOf, stageHost } from '../../carriers/http/fake.ts';
import type { Rehearsal } from '../../core/rehearsal.ts';

// A model that answers in one piece, and asks for a tool where it is asked about people: for protocols/conformance.ts.

const value = '421-33-9087';
const ask = (content: string): string =>
  `POST /v1/chat/completions\n\n${JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })}`;
const call = { type: 'function', function: { name: 'look', arguments: JSON.stringify({ ssn: value }) } };

function answer({ body }: { readonly body: string }): string {
  const message = body.includes('people')
    ? { role: 'assistant', content: null, tool_calls: [{ id: 'a', ...call }, { id: 'b', ...call }] } // prettier-ignore
    : { role: 'assistant', content: 'Yes.' };
  return `{"id": "x", "created": 1.0, "choices": [{"index": 0, "message": ${JSON.stringify(message)}}]}`;
}

export const rehearsal: Rehearsal = {
  settings: { url: 'http://127.0.0.1:1', hosts: [stageHost] },
  resource: (wire) => void fakeService(wire, answer),
  client: (wire, as) => Promise.resolve(fakeClient(wire, as)),
  kept: keptOf,
  column: { object: 'answer', column: 'ssn' },
  value,
  requests: {
    read: { text: ask('a plain question'), mark: 'a plain question' },
    sensitive: { text: ask('about people'), mark: 'about people' },
    // A prompt takes data out: like a write it waits for its entry.
    write: { text: ask('here is our data'), mark: 'here is our data' },
    unreadable: [
      { text: 'POST /v1/chat/completions\n\n{"model":"broken', mark: 'broken' },
      { text: 'POST /v1/files\n\n{"model":"m"}', mark: '/v1/files' },
      { text: 'POST /v1/responses\n\n{"model":"m","background":true}', mark: 'background' },
      { text: 'POST /v1/responses\n\n{"model":"m","prompt":{"id":"stored"}}', mark: 'stored' },
    ],
  },
  verbs: {
    'llm.complete': ask('a plain question'),
    'llm.embed': 'POST /v1/embeddings\n\n{"model":"m","input":"x"}',
    'llm.models': 'GET /v1/models',
    'llm.tool': 'look({"ssn":1})',
  },
  broken: brokenRequests,
};

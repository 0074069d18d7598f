import {
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  type McpServer,
} from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';

// What the conformance suite asks for by name where a server needs something of the client's side before it answers (2026-07-28).

/** State that came back changed is refused before a tool sees it. */
export const state: ReturnType<typeof createRequestStateCodec<{ readonly step: string }>> =
  createRequestStateCodec<{ readonly step: string }>({ key: randomBytes(32) });

const wants = (message: string, name: string, type: 'string' | 'boolean' = 'string'): never =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { [name]: { type } }, required: [name] },
  } as never) as never;
const question = (text: string, maxTokens: number): never =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text } }],
    maxTokens,
  }) as never;

/** What each tool asks for, step by step; `sealed`: with state of the server's. */
const tools: Readonly<Record<string, { readonly sealed: boolean; readonly steps: readonly object[] }>> = {
  test_input_required_result_elicitation: {
    sealed: false,
    steps: [{ user_name: wants('What is your name?', 'name') }],
  },
  test_input_required_result_sampling: {
    sealed: false,
    steps: [{ capital_question: question('What is the capital of France?', 100) }],
  },
  test_input_required_result_capabilities: {
    sealed: false,
    steps: [{ thought: question('What do you think?', 50) }],
  },
  test_input_required_result_list_roots: {
    sealed: false,
    steps: [{ client_roots: inputRequired.listRoots() }],
  },
  test_input_required_result_request_state: {
    sealed: true,
    steps: [{ confirm: wants('Please confirm', 'ok', 'boolean') }],
  },
  test_input_required_result_multiple_inputs: {
    sealed: true,
    steps: [
      {
        user_name: wants('What is your name?', 'name'),
        greeting: question('Generate a greeting', 50),
        client_roots: inputRequired.listRoots(),
      },
    ],
  },
  test_input_required_result_multi_round: {
    sealed: true,
    steps: [
      { step1: wants('Step 1: What is your name?', 'name') },
      { step2: wants('Step 2: What is your favorite color?', 'color') },
    ],
  },
  test_input_required_result_tampered_state: {
    sealed: true,
    steps: [{ confirm: wants('Please confirm', 'ok', 'boolean') }],
  },
};

export function asking(server: McpServer): void {
  const anything = fromJsonSchema<Record<string, never>>({ type: 'object', properties: {} });
  for (const [name, { sealed, steps }] of Object.entries(tools)) {
    server.registerTool(
      name,
      { description: `Asks: ${name}`, inputSchema: anything },
      async (_given, context) => {
        const { inputResponses = {} } = context.mcpReq;
        const had = context.mcpReq.requestState<{ readonly step: string }>()?.step;
        const at = sealed && had !== undefined ? Number(had) : 0;
        const inputRequests = steps[at] ?? {};
        const answered = Object.keys(inputRequests).every((key) => key in inputResponses);
        const next = answered ? at + 1 : at;
        const asked = steps[next];
        if (asked === undefined)
          return { content: [{ type: 'text', text: `state-ok ${JSON.stringify(inputResponses)}` }] };
        return inputRequired({
          inputRequests: asked as never,
          ...(sealed ? { requestState: await state.mint({ step: String(next) }) } : {}),
        });
      },
    );
  }
  server.registerTool(
    'test_custom_header',
    {
      description: 'Has an argument that is said in a header too',
      inputSchema: fromJsonSchema({
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } as object },
        required: ['region'],
      }),
    },
    () => ({ content: [{ type: 'text', text: 'Done' }] }),
  );
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks' }, (context) => {
    const { inputResponses = {} } = context.mcpReq;
    if (!('user_context' in inputResponses))
      return inputRequired({
        inputRequests: { user_context: wants('What context should the prompt use?', 'context') },
      });
    return { messages: [{ role: 'user', content: { type: 'text', text: JSON.stringify(inputResponses) } }] };
  });
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['test', 'testing'] },
  }));
}

import { array, number, object, optional, string } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Reveal, RevealAsked } from '../reveal.ts';
import { unwritten } from './judge.ts';
import { json, problem, type Answer, type ApiRequest, type Route } from './route.ts';
import { ref } from './schemas.ts';

/** The way back from tokens to what they stand for, judged as `mask.reveal`. */
export function revealRoute(reveal: Reveal): Route {
  return {
    method: 'post',
    path: '/api/v1/mask/reveal',
    summary:
      'What tokens in masked answers stand for, in their order; judged as `mask.reveal`, held for a person where a rule says so, and written down first',
    body: ref('Tokens'),
    gives: { schema: ref('RevealedTokens'), about: 'The values' },
    errors: {
      400: 'The body is not as described',
      401: 'No token, or one that is not accepted',
      403: 'The policy denies it, or it waits for a person: `denial.review` is its ticket',
      413: 'The body is too large',
      415: 'The body is not JSON',
      503: 'No policy is in force, or the ledger cannot be written',
    },
    run: (request) => run(reveal, request),
  };
}

const line = string({ pattern: /^[^\p{Cc}]{1,1000}$/u, what: 'a line of 1 to 1000 characters' });
const body = object({
  tokens: array(string({ max: 131_072 }), { min: 1, max: 1_000 }),
  resource: optional(string({ pattern: /^[\w.-]{1,128}$/, what: "a resource's name" })),
  column: optional(
    string({ pattern: /^[^\p{C}]{1,256}\.[^\p{C}.]{1,128}$/u, what: 'a column, as public.customers.email' }),
  ),
  key: optional(number({ min: 0, max: 9, integer: true })),
  reason: optional(line),
  ticket: optional(line),
});

async function run(reveal: Reveal, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const read = body(request.body, '');
  if (!read.ok) return problem(400, 'The body is not as described', { problems: read.error });
  const { tokens, resource, column, key = 0, reason, ticket } = read.value;
  if (column !== undefined && resource === undefined)
    return problem(400, 'A column is of a resource: name it');
  const dot = column?.lastIndexOf('.') ?? -1;
  const asked: RevealAsked = {
    tokens,
    digitsKey: key,
    signal: request.signal ?? new AbortController().signal,
    ...(resource === undefined
      ? {}
      : {
          of: {
            resource,
            ...(column === undefined ? {} : { object: column.slice(0, dot), column: column.slice(dot + 1) }),
          },
        }),
    stated: {
      ...(reason === undefined ? {} : { reason }),
      ...(ticket === undefined ? {} : { ticket }),
    },
  };
  try {
    const answer = await reveal(caller, asked);
    if (answer.kind === 'refused') {
      const { denial } = answer;
      return problem(unavailable.has(denial.class) ? 503 : 403, denial.why, { denial });
    }
    return json({
      decision: answer.decision,
      values: answer.values.map((each) =>
        each.kind === 'none'
          ? { error: 'Not a token of this gateway' }
          : {
              value: each.value,
              type: each.type,
              form: each.form,
              ...(each.masked === true ? { masked: true } : {}),
            },
      ),
    });
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'ledger') return unwritten(thrown, 'nothing is shown');
    throw thrown;
  }
}

const unavailable: ReadonlySet<string> = new Set(['NOT_WRITTEN', 'NO_POLICY']);

import type { Access } from '../../../core/action.ts';
import type { Json } from '../message.ts';
import {
  askModel,
  callTool,
  checkAction,
  describeDatabase,
  httpRequest,
  queryDatabase,
} from './resources.ts';
import {
  explainDenial,
  getResult,
  listResources,
  listReviews,
  requestAccess,
  waitForReview,
  whoAmI,
  withdrawReview,
} from './gateway.ts';
import type { Caller, Told } from './caller.ts';

/**
 * The tools of the gateway's own MCP server: everything an agent needs that has nothing but MCP. None of them approves,
 * refuses or administers anything, and none can do what its caller could not do without it.
 */
export interface OwnTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What the call itself does; what it carries to a resource is judged there. */
  readonly access: Access;
  readonly input: Json;
  readonly required: readonly string[];
  readonly run: (caller: Caller, given: Json) => Promise<Told>;
}

const resource = { type: 'string', maxLength: 63, description: 'Its name, from list_resources' };
const review = { type: 'string', pattern: '^rev_[0-9a-z]{10,40}$', description: 'Its id: rev_…' };
const stated = {
  reason: { type: 'string', maxLength: 1_000, description: 'Why, for the record and for reviewers' },
  ticket: {
    type: 'string',
    maxLength: 200,
    description: 'The ticket that it is for, where a rule asks for one',
  },
};

export const ownTools: readonly OwnTool[] = [
  {
    name: 'whoami',
    title: 'Who am I',
    description: 'Who this gateway takes you for, and for whom you act.',
    access: 'read',
    input: {},
    required: [],
    run: whoAmI,
  },
  {
    name: 'list_resources',
    title: 'List resources',
    description:
      'The databases, services, models and tool servers that you may reach, and the tool for each.',
    access: 'read',
    input: {},
    required: [],
    run: listResources,
  },
  {
    name: 'describe_database',
    title: 'Describe a database',
    description: 'The tables of a database, or the columns of one table and which of them come back masked.',
    access: 'read',
    input: {
      resource,
      table: { type: 'string', maxLength: 200, description: 'schema.table; without it: all tables' },
    },
    required: ['resource'],
    run: describeDatabase,
  },
  {
    name: 'query_database',
    title: 'Query a database',
    description:
      'Runs SQL under the rules that hold for you: `columns` and `rows`, or `results` with these for each of several statements. Sensitive values come back masked. What a person must approve comes back as pending_approval with a review: wait_for_review, then get_result.',
    access: 'execute',
    input: {
      resource,
      sql: {
        type: 'string',
        maxLength: 1_000_000,
        description: 'One statement, where $1, $2 … stand for params; or several without',
      },
      params: { type: 'array', maxItems: 1_000, items: { type: ['string', 'number', 'boolean', 'null'] } },
      max_rows: { type: 'integer', minimum: 1, maximum: 1_000, description: '100 when absent' },
      ...stated,
    },
    required: ['resource', 'sql'],
    run: queryDatabase,
  },
  {
    name: 'http_request',
    title: 'Call a web service',
    description: 'Sends one HTTP request to a web service. Its credentials are the gateway’s: send none.',
    access: 'execute',
    input: {
      resource,
      method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], description: 'GET when absent' },
      path: { type: 'string', maxLength: 8_000, pattern: '^/', description: 'With the query: /customers/7' },
      headers: {
        type: 'object',
        maxProperties: 30,
        additionalProperties: { type: 'string', maxLength: 4_000 },
      },
      body: { type: 'string', maxLength: 1_000_000 },
      ...stated,
    },
    required: ['resource', 'path'],
    run: httpRequest,
  },
  {
    name: 'ask_model',
    title: 'Ask a model',
    description: 'Asks a language model behind the gateway one thing.',
    access: 'execute',
    input: {
      resource,
      model: { type: 'string', maxLength: 200 },
      prompt: { type: 'string', maxLength: 500_000 },
      max_tokens: { type: 'integer', minimum: 1, maximum: 100_000 },
      ...stated,
    },
    required: ['resource', 'model', 'prompt'],
    run: askModel,
  },
  {
    name: 'call_tool',
    title: 'Call a tool of another server',
    description: 'Calls a tool of another MCP server behind the gateway; without `tool`, lists its tools.',
    access: 'execute',
    input: {
      resource,
      tool: { type: 'string', maxLength: 128 },
      arguments: { type: 'object' },
      ...stated,
    },
    required: ['resource'],
    run: callTool,
  },
  {
    name: 'check_action',
    title: 'Check an action',
    description:
      'What the rules would say to a statement, a request or a tool call, without doing it: allowed, denied or held for a person, why, and what comes back masked.',
    access: 'read',
    input: {
      resource,
      action: {
        type: 'string',
        maxLength: 1_000_000,
        description: 'As it would be sent: a SQL statement, `GET /path`, or `TOOL {arguments}`',
      },
    },
    required: ['resource', 'action'],
    run: checkAction,
  },
  {
    name: 'request_access',
    title: 'Request access',
    description:
      'Asks people for a right that you do not have, for a time; nobody but them can give it. Without `verbs`: what you may do on the resource and what you may ask for.',
    access: 'read',
    input: {
      resource,
      verbs: {
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: { type: 'string', maxLength: 60 },
        description: 'What for: sql.select',
      },
      reason: stated.reason,
      minutes: { type: 'integer', minimum: 1, maximum: 10_080, description: 'For how long; 60 when absent' },
      ticket: stated.ticket,
    },
    required: ['resource'],
    run: requestAccess,
  },
  {
    name: 'list_reviews',
    title: 'List my reviews',
    description: 'What you asked people for, and what became of it. Newest first.',
    access: 'read',
    input: { state: { enum: ['waiting', 'approved', 'denied', 'expired', 'withdrawn', 'used'] } },
    required: [],
    run: listReviews,
  },
  {
    name: 'wait_for_review',
    title: 'Wait for a review',
    description:
      'Waits up to 45 seconds for people to answer a review of yours. Call it again to wait longer.',
    access: 'read',
    input: { review, seconds: { type: 'integer', minimum: 0, maximum: 45, description: '45 when absent' } },
    required: ['review'],
    run: waitForReview,
  },
  {
    name: 'get_result',
    title: 'Get the result',
    description: 'Runs what was approved, once, and gives what it answered; again, gives the same.',
    access: 'read',
    input: { review },
    required: ['review'],
    run: getResult,
  },
  {
    name: 'withdraw_review',
    title: 'Withdraw a review',
    description: 'Takes back what you asked people for.',
    access: 'read',
    input: { review },
    required: ['review'],
    run: withdrawReview,
  },
  {
    name: 'explain_denial',
    title: 'Explain a denial',
    description: 'What was asked, what was decided and by which rule, of a decision of yours.',
    access: 'read',
    input: {
      decision: {
        type: 'string',
        maxLength: 100,
        pattern: '^[0-9a-z]{1,64}[.][0-9]{1,15}$',
        description: 'Its id: decisionId of a denial',
      },
    },
    required: ['decision'],
    run: explainDenial,
  },
];

import type { Reply } from '../../carriers/http/exchange.ts';
import { sayProblem } from '../../carriers/http/problem.ts';
import type { Denial, DenyCode } from '../../core/decision.ts';
import { encodeMessage, grpcCodec, grpcStatus } from '../../http/grpc.ts';
import { type Fields, first } from '../../http/headers.ts';

/** Whether a request is a call of gRPC, well-formed or not. */
export function isGrpc(fields: Fields): boolean {
  return grpcCodec(first(fields, 'content-type')) !== undefined;
}

/** The status by which gRPC says why something was refused. */
export function grpcStatusOf(code: DenyCode): number {
  return statuses[code] ?? grpcStatus.permissionDenied;
}

const statuses: Partial<Record<DenyCode, number>> = {
  SIGN_IN: grpcStatus.unauthenticated,
  LIMIT: grpcStatus.resourceExhausted,
  NOT_WRITTEN: grpcStatus.unavailable,
  NO_POLICY: grpcStatus.unavailable,
  NOT_UNDERSTOOD: grpcStatus.invalidArgument,
  REVIEW_PENDING: grpcStatus.failedPrecondition,
  UNSTATED: grpcStatus.failedPrecondition,
};

/** The same for what was refused before any rule was asked, by its status of HTTP. */
export function grpcStatusOfHttp(status: number): number {
  const known: Readonly<Record<number, number>> = {
    400: grpcStatus.invalidArgument,
    401: grpcStatus.unauthenticated,
    403: grpcStatus.permissionDenied,
    404: grpcStatus.notFound,
    405: grpcStatus.unimplemented,
    408: grpcStatus.deadlineExceeded,
    413: grpcStatus.resourceExhausted,
    429: grpcStatus.resourceExhausted,
    502: grpcStatus.unavailable,
    503: grpcStatus.unavailable,
    504: grpcStatus.deadlineExceeded,
  };
  return known[status] ?? grpcStatus.internal;
}

const longestMessage = 2_000;
const longestDenial = 4_000;

/** Ends the answer with this status: trailers behind what was sent, or a head that is all of it ("Trailers-Only"). */
export function sayStatus(reply: Reply, status: number, message: string, more: Fields = []): void {
  const said: Fields = [
    ['grpc-status', String(status)],
    ['grpc-message', encodeMessage(message.slice(0, longestMessage))],
    ...more,
  ];
  if (reply.started) reply.over2?.finish(said);
  else reply.over2?.headOnly(200, [['content-type', 'application/grpc'], ...said]);
}

/** A refusal as gRPC has it; the denial object stands in `sallyport-denial`, as JSON in ASCII. */
export function sayRefusal(reply: Reply, status: number, why: Denial): void {
  if (reply.over2 === undefined) return sayProblem(reply, 400, why);
  const { fix, rule, at, decisionId } = why;
  const by = rule === undefined ? '' : ` (${rule}${at === undefined ? '' : ` at ${at}`})`;
  const id = decisionId === '' ? '' : ` [${decisionId}]`;
  const message = [`${why.why}${by}${id}`, ...fix].join('. ');
  const whole = JSON.stringify(why).replaceAll(
    /[^\x20-\x7e]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const object: Fields = whole.length <= longestDenial ? [['sallyport-denial', whole]] : [];
  sayStatus(reply, status, message, object);
}

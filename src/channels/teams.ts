/**
 * Microsoft Teams: an Adaptive Card whose buttons come back as `adaptiveCard/action`, over the Bot Connector REST API.
 *
 * A click counts only with a token of the Bot Connector for our bot, from the service that the token names, by an
 * account of a tenant we were told of, on the activity that we wrote for this review. The account is tenant and
 * `aadObjectId`; the directory links it to an identity. What we send goes to the configured service only.
 */
import { createHash } from 'node:crypto';
import { literal, string, type Check } from '../base/check.ts';
import { ok } from '../base/result.ts';
import type { Channel, HookAnswer, HookRequest } from '../core/review.ts';
import { lookedAt, take, type ChannelParts, type Click } from './click.ts';
import { picked } from './pick.ts';
import { seen } from './replay.ts';
import type { TeamsSettings } from './settings.ts';
import { cardType, teamsCard, teamsRoom } from './teams-card.ts';
import { connectorClient, type Connector } from './teams-client.ts';
import { connectorTokens } from './teams-token.ts';
import { teller, type Board } from './teller.ts';

const name = 'teams';
const rememberedMs = 3_600_000; // as long as a token of the Bot Connector lives

export function teamsChannel(settings: TeamsSettings, parts: ChannelParts): Channel {
  const client = connectorClient(settings, parts.world);
  const tell = teller(name, board(client, parts), parts.places);
  const callerOf = connectorTokens(settings, parts.world);
  const clicks = seen(rememberedMs, parts.world);

  const refuse = (status: number, why: string): HookAnswer => {
    parts.metrics.count('channel_answers_total', { channel: name, result: why });
    parts.log('warn', 'channel.request-refused', { channel: name, why });
    return { status, type: 'text/plain; charset=utf-8', text: `Refused: ${why}` };
  };

  const hook = async (request: HookRequest): Promise<HookAnswer> => {
    const caller = await callerOf(request.header('authorization'));
    if (caller.kind === 'bad') return refuse(401, caller.why);
    const raw = jsonOf(request.body);
    const checked = activityOf(raw);
    if (checked === undefined) return json({}); // other activities (a bot that was added, typing): nothing to do
    const { id, from, conversation, channelData, replyToId, serviceUrl, verb, button, reason } = checked;
    // SECURITY: the token is not bound to the body; the service it names must be the one the body names.
    if (serviceUrl !== caller.serviceUrl) return refuse(401, 'another service');
    const tenant = channelData.tenant.id;
    if (!settings.tenants.includes(tenant) || conversation.tenantId !== tenant)
      return refuse(403, 'another tenant');
    const digest = createHash('sha256').update(request.body).digest('hex');
    switch (clicks.add(id)) {
      case 'again':
        return refuse(409, 'replayed');
      case 'full':
        return refuse(503, 'too many requests');
      case 'new':
        break;
    }
    const account = `${tenant}/${from.aadObjectId}`;
    // Teams adds `;messageid=…` to the conversation of a reply in a thread.
    const [place] = conversation.id.split(';');
    const at = `${place ?? ''}/${replyToId}`;
    if (verb === 'refresh') return refreshed(button, at, parts);
    const click: Click = {
      channel: name,
      account,
      place: at,
      button: verb === undefined || verb === button.split('.')[0] ? button : '',
      ...(reason === undefined ? {} : { reason }),
      proof: { account, message: `${place ?? ''}/${replyToId}`, activity: id, signed: digest },
    };
    const clicked = await take(click, parts, teamsRoom);
    // Changes the card for all where the review has changed; how that fails is counted by whoever tells next.
    if (clicked.review !== undefined) await tell(clicked.review).catch(() => undefined);
    if (verb === undefined) return json({}); // a message has no answer; the card says what came of it
    if (clicked.review === undefined || clicked.result !== 'counted') return said(clicked.said);
    return json({
      statusCode: 200,
      type: cardType,
      value: teamsCard(clicked.review, parts.link(clicked.review.id), parts),
    });
  };

  return { name, tell, hook, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

function board(client: Connector, parts: ChannelParts): Board {
  const message = (review: Parameters<Board['post']>[0]): Readonly<Record<string, unknown>> => ({
    type: 'message',
    summary: `Review ${review.id}`,
    attachments: [{ contentType: cardType, content: teamsCard(review, parts.link(review.id), parts) }],
  });
  return {
    post: (review) => client.post(message(review)),
    update: (place, review) => client.update(place, message(review)),
  };
}

const word: Check<string> = string({ max: 500, pattern: /^[^\s\p{C}]+$/u });
const guid: Check<string> = string({ max: 36, pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ });

/** An invoke of a card's button: https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model */
const common = {
  channelId: literal('msteams'),
  id: word,
  serviceUrl: word,
  from: picked({ aadObjectId: guid }),
  conversation: picked({ id: word, tenantId: guid }),
  channelData: picked({ tenant: picked({ id: guid }) }),
  replyToId: word,
};
const maybe: Check<string | undefined> = (raw, path) =>
  raw === undefined ? ok(undefined) : string({ max: 3_000 })(raw, path);
const data = { button: string({ max: 300 }), reason: maybe };
const invoke = picked({
  ...common,
  type: literal('invoke'),
  name: literal('adaptiveCard/action'),
  value: picked({
    action: picked({
      type: literal('Action.Execute'),
      verb: literal('approve', 'refuse', 'class', 'refresh'),
      data: picked(data),
    }),
  }),
});
/** An Action.Submit, which clients without Action.Execute send as a message. */
const message = picked({ ...common, type: literal('message'), value: picked(data) });

interface Activity {
  readonly id: string;
  readonly serviceUrl: string;
  readonly from: { readonly aadObjectId: string };
  readonly conversation: { readonly id: string; readonly tenantId: string };
  readonly channelData: { readonly tenant: { readonly id: string } };
  readonly replyToId: string;
  /** Absent where it came as a message. */
  readonly verb?: 'approve' | 'refuse' | 'class' | 'refresh';
  readonly button: string;
  readonly reason?: string | undefined;
}

function activityOf(raw: unknown): Activity | undefined {
  const invoked = invoke(raw, '');
  if (invoked.ok) {
    const { verb, data: given } = invoked.value.value.action;
    return { ...invoked.value, verb, ...given };
  }
  const said = message(raw, '');
  return said.ok ? { ...said.value, ...said.value.value } : undefined;
}

/** The card as it is now, for who looks at it in the place where it stands. */
async function refreshed(button: string, place: string, parts: ChannelParts): Promise<HookAnswer> {
  const id = lookedAt(button);
  const known = id === undefined ? undefined : parts.places.find(name, id);
  const review = id === undefined || known?.place !== place ? undefined : await parts.desk.review(id);
  if (review === undefined) return said('Nothing is known of this card');
  return json({ statusCode: 200, type: cardType, value: teamsCard(review, parts.link(review.id), parts) });
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function json(value: unknown): HookAnswer {
  return { status: 200, type: 'application/json', text: JSON.stringify(value) };
}

/** A sentence for the one who clicked; the card stays as it is for all. */
function said(sentence: string): HookAnswer {
  return json({ statusCode: 200, type: 'application/vnd.microsoft.activity.message', value: sentence });
}

/**
 * Slack: a card with buttons in one channel, clicks over HTTP (signed) or over Socket Mode.
 *
 * A click counts only when Slack says that it was made in our app, on the message that we wrote for this review, by a
 * full member of a workspace we were told of; the account must be linked to an identity by the directory. Guests,
 * bots, deactivated members and people of other organisations (Slack Connect) are refused at every click.
 */
import { WebAPIPlatformError, WebClient } from '@slack/web-api';
import { array, literal, string, type Check } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Channel, HookAnswer, HookRequest } from '../core/review.ts';
import { pressOf, take, type ChannelParts, type Click, type Clicked } from './click.ts';
import { cardOf } from './card.ts';
import { picked } from './pick.ts';
import { seen } from './replay.ts';
import type { SlackSettings } from './settings.ts';
import { reasonView, slackBlocks, slackRoom } from './slack-card.ts';
import { modals, type Modals } from './slack-modal.ts';
import { slackSigned, slackToleranceMs } from './slack-signature.ts';
import { listen, silent } from './slack-socket.ts';
import { teller } from './teller.ts';

const name = 'slack';

export function slackChannel(settings: SlackSettings, parts: ChannelParts): Channel {
  const { signingSecret, appToken } = settings;
  const options = {
    slackApiUrl: settings.apiUrl ?? 'https://slack.com/api/',
    allowAbsoluteUrls: false, // a method's name is never a URL
    retryConfig: { retries: 5, factor: 2, minTimeout: 500, maxTimeout: 10_000 },
    timeout: 10_000,
    logger: silent,
  };
  const client = new WebClient(settings.botToken.reveal('call Slack'), options);
  const tell = teller(name, board(client, settings, parts), parts.places);
  const pending = new Set<Promise<void>>();
  const bound = modals(parts.world);
  const clicks = seen(slackToleranceMs * 2, parts.world);

  /** Slack wants an answer within three seconds: the click is worked on after it. */
  const start = (payload: Interaction, digest: string): void => {
    const work = onClick(payload, digest).catch((thrown: unknown) => {
      parts.log('error', 'channel.fault', {
        channel: name,
        code: thrown instanceof Fault ? thrown.code : 'bug',
      });
    });
    pending.add(work);
    void work.finally(() => pending.delete(work));
  };

  const onClick = async (payload: Interaction, digest: string): Promise<void> => {
    const { user, place, button, once, reason } = payload;
    // The same click can come twice: over both ways, or in a second envelope.
    if (clicks.add(`${user.team}/${user.id}/${once}`) !== 'new') return;
    const account = `${user.team}/${user.id}`;
    const click: Click = {
      channel: name,
      account,
      place,
      button,
      proof: { account, message: place, at: once, signed: digest },
      ...(reason === undefined ? {} : { reason }),
    };
    if (await askForReason(click, payload)) return;
    const isMember =
      settings.workspaces.includes(user.team) &&
      payload.app === settings.app &&
      (await fullMember(client, user));
    const clicked: Clicked = isMember
      ? await take(click, parts, slackRoom)
      : { result: 'not-linked', said: 'Not counted: only members of this workspace can answer' };
    if (!isMember) {
      parts.metrics.count('channel_answers_total', { channel: name, result: 'not-a-member' });
      parts.log('warn', 'channel.click-not-counted', {
        channel: name,
        account: click.account,
        why: 'not-a-member',
      });
    }
    await Promise.allSettled([
      client.chat.postEphemeral({ channel: settings.channel, user: user.id, text: clicked.said }),
      ...(clicked.review === undefined ? [] : [tell(clicked.review)]),
    ]);
  };

  /** Opens the form for a reason where the card's approval needs one; nothing has counted by that. */
  const askForReason = async (click: Click, { trigger }: Interaction): Promise<boolean> => {
    const pressed = pressOf(click.button);
    if (trigger === undefined || pressed === undefined || pressed.press === 'refuse') return false;
    if (parts.places.find(name, pressed.review)?.place !== click.place) return false;
    const review = await parts.desk.review(pressed.review);
    if (review === undefined || !cardOf(review, slackRoom, parts).asksReason) return false;
    const view = reasonView(review.id, bound.seal(click));
    await calling(() => client.views.open({ trigger_id: trigger, view }));
    return true;
  };

  const hook = async (request: HookRequest, secret: Secret): Promise<HookAnswer> => {
    const signed = slackSigned(request, secret, { seen: clicks, world: parts.world });
    if (signed.kind === 'bad') {
      parts.metrics.count('channel_answers_total', { channel: name, result: signed.why });
      parts.log('warn', 'channel.request-refused', { channel: name, why: signed.why });
      return text(signed.status, `Refused: ${signed.why}`);
    }
    const payload = interactionOf(payloadOf(request.body), bound);
    if (payload !== undefined) start(payload, signed.digest);
    return text(200, '');
  };

  const socket =
    appToken === undefined
      ? undefined
      : listen({
          appToken,
          options,
          parts,
          onPayload: (payload, digest) => {
            const click = interactionOf(payload, bound);
            if (click !== undefined) start(click, digest);
          },
        });

  return {
    name,
    tell,
    ...(signingSecret === undefined ? {} : { hook: (request: HookRequest) => hook(request, signingSecret) }),
    [Symbol.asyncDispose]: async () => {
      await socket?.[Symbol.asyncDispose]();
      await Promise.allSettled(pending);
    },
  };
}

function board(
  client: WebClient,
  { channel }: SlackSettings,
  parts: ChannelParts,
): Parameters<typeof teller>[1] {
  return {
    post: async (review) => {
      const sent = await calling(() =>
        client.chat.postMessage({
          channel,
          text: `Review ${review.id}`, // what a notification shows
          blocks: slackBlocks(review, parts.link(review.id), parts),
          parse: 'none',
          link_names: false,
          mrkdwn: false,
          unfurl_links: false,
          unfurl_media: false,
          metadata: { event_type: 'sallyport_review', event_payload: { review: review.id } },
        }),
      );
      if (sent.ts === undefined) throw new Fault('unreachable', 'Slack did not say where the message is');
      return `${channel}/${sent.ts}`;
    },
    update: async (place, review) => {
      const ts = place.slice(place.indexOf('/') + 1);
      const blocks = slackBlocks(review, parts.link(review.id), parts);
      await calling(() =>
        client.chat.update({
          channel,
          ts,
          text: `Review ${review.id}`,
          blocks,
          parse: 'none',
          link_names: false,
        }),
      );
    },
  };
}

/** Slack's own code, never its text: an answer can quote what was sent. */
async function calling<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const code =
      thrown instanceof WebAPIPlatformError && /^[a-z_]{1,64}$/.test(thrown.data.error)
        ? thrown.data.error
        : 'no answer';
    throw new Fault('unreachable', `Slack does not take the message: ${code}`);
  }
}

/** Whether the account is a full, active member of its own workspace, now. Asked at each click; no answer is a no. */
async function fullMember(client: WebClient, user: Interaction['user']): Promise<boolean> {
  try {
    const { user: about } = await client.users.info({ user: user.id });
    return (
      about !== undefined &&
      about.id === user.id &&
      (about.team_id === undefined || about.team_id === user.team) &&
      about.deleted !== true &&
      about.is_bot !== true &&
      about.is_restricted !== true &&
      about.is_ultra_restricted !== true &&
      about.is_stranger !== true
    );
  } catch {
    return false;
  }
}

/** One click on one button of a message, or the form that such a click has opened. */
interface Interaction {
  readonly app: string;
  readonly user: { readonly id: string; readonly team: string };
  readonly place: string; // of the message
  readonly button: string;
  readonly once: string; // no two clicks have the same
  readonly trigger?: string; // opens a form; a form opens none
  readonly reason?: string;
}

const word: Check<string> = string({ max: 200, pattern: /^[\w.-]+$/ });
const interaction = picked({
  type: literal('block_actions'),
  api_app_id: word,
  user: picked({ id: word, team_id: word }),
  team: picked({ id: word }),
  container: picked({ type: literal('message'), channel_id: word, message_ts: word }),
  message: picked({ ts: word }),
  actions: array(
    picked({
      action_id: literal('approve', 'refuse', 'class'),
      value: string({ max: 300 }),
      action_ts: word,
    }),
    {
      min: 1,
      max: 1,
    },
  ),
});

const triggered = picked({ trigger_id: word });

const submission = picked({
  type: literal('view_submission'),
  api_app_id: word,
  user: picked({ id: word, team_id: word }),
  team: picked({ id: word }),
  view: picked({
    id: word,
    callback_id: literal('reason'),
    private_metadata: string({ max: 3_000 }),
    state: picked({
      values: picked({ reason: picked({ text: picked({ value: string({ max: 3_000 }) }) }) }),
    }),
  }),
});

/** SECURITY: a form counts only as what it was opened for: this card, this button, this person, not long ago. */
function submissionOf(raw: unknown, bound: Modals): Interaction | undefined {
  const read = submission(raw, '');
  if (!read.ok) return undefined;
  const { api_app_id: app, user, team, view } = read.value;
  if (team.id !== user.team_id) return undefined;
  const opened = bound.open(view.private_metadata, `${user.team_id}/${user.id}`);
  if (opened === undefined) return undefined;
  return {
    app,
    user: { id: user.id, team: user.team_id },
    ...opened,
    once: view.id,
    reason: view.state.values.reason.text.value,
  };
}

/** A click on one of our buttons whose parts agree with each other; anything else is `undefined`. */
function interactionOf(raw: unknown, bound: Modals): Interaction | undefined {
  const read = interaction(raw, '');
  if (!read.ok) return submissionOf(raw, bound);
  const { api_app_id: app, user, team, container, message, actions } = read.value;
  const trigger = triggered(raw, '');
  const [action] = actions;
  if (action === undefined || !action.value.startsWith(`${action.action_id}.`)) return undefined;
  if (message.ts !== container.message_ts || team.id !== user.team_id) return undefined; // or somebody of another organisation
  return {
    app,
    user: { id: user.id, team: user.team_id },
    place: `${container.channel_id}/${container.message_ts}`,
    button: action.value,
    once: `${container.message_ts}/${action.action_ts}`,
    ...(trigger.ok ? { trigger: trigger.value.trigger_id } : {}),
  };
}

/** `payload=` and JSON, as a form. */
function payloadOf(body: Uint8Array): unknown {
  try {
    const payloads = new URLSearchParams(new TextDecoder('utf-8', { fatal: true }).decode(body)).getAll(
      'payload',
    );
    return payloads.length === 1 ? (JSON.parse(payloads[0] ?? '') as unknown) : undefined;
  } catch {
    return undefined;
  }
}

function text(status: number, said: string): HookAnswer {
  return { status, type: 'text/plain; charset=utf-8', text: said };
}

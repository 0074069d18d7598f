/**
 * E-mail: a plain text with a link. The link approves nothing by itself: it opens the review, where a person signs in.
 * Mails are read by scanners and forwarded: the statement is not in them.
 */
import { createTransport } from 'nodemailer';
import { Fault } from '../base/errors.ts';
import { timestamp } from '../base/time.ts';
import type { Channel, Review } from '../core/review.ts';
import { rankOf, inert } from './card.ts';
import type { ChannelParts } from './click.ts';
import type { EmailSettings } from './settings.ts';
import { teller } from './teller.ts';

const name = 'email';
const timeoutMs = 15_000;

export function emailChannel(settings: EmailSettings, parts: ChannelParts): Channel {
  const { host, port, tls, user, password, ca } = settings;
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user === undefined || password === undefined
      ? {}
      : { auth: { user, pass: password.reveal('sign in to the mail server') } }),
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca: ca.reveal('trust the mail server') }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const thread = (review: Review): string => `<${review.id}@sallyport>`;
  const send = async (review: Review, headers: { messageId?: string; inReplyTo?: string }): Promise<void> => {
    try {
      await transport.sendMail({
        from: settings.from,
        to: [...settings.to],
        subject: `${subjects(review)}: ${line(review.resource.name)} (${review.id})`,
        text: textOf(review, parts.link(review.id)),
        headers: { 'auto-submitted': 'auto-generated' },
        ...headers,
      });
    } catch {
      // SECURITY: the client's messages quote what the server said and who was written to.
      throw new Fault('unreachable', 'The mail server does not take the message');
    }
  };
  const tell = teller(
    name,
    {
      post: async (review) => {
        await send(review, { messageId: thread(review) });
        return thread(review);
      },
      // One mail when it is asked, one when it is over.
      update: async (place, review) => {
        if (rankOf(review.state) === 3) await send(review, { inReplyTo: place });
      },
    },
    parts.places,
  );
  return {
    name,
    tell,
    [Symbol.asyncDispose]: () => {
      transport.close();
      return Promise.resolve();
    },
  };
}

function subjects({ kind, state }: Review): string {
  if (kind === 'break-glass') return 'Glass broken';
  return state === 'waiting' ? 'Review' : 'Review over';
}

/** Nobody is asked, so there is nothing to open and nothing to answer. */
function glassText({ identity, resource, verb, why, stated, rules, decision }: Review): string {
  return [
    `${line(identity.subject)} (${identity.kind}) went past a rule in an emergency: ${line(verb)} on ${line(resource.name)}.`,
    `Rules: ${rules.map(({ id }) => line(id)).join(', ')}.`,
    `Why they deny it: ${line(why)}`,
    `Ticket: ${line(stated?.ticket ?? '')}`,
    `Reason given: ${line(stated?.reason ?? '')}`,
    '',
    `Decision ${decision}`,
  ].join('\n');
}

function textOf(review: Review, link: string): string {
  if (review.kind === 'break-glass') return glassText(review);
  const { identity, resource, risk, needs } = review;
  const asked = [
    `${line(identity.subject)} (${identity.kind}) asks for ${line(review.verb)} on ${line(resource.name)}.`,
    `Risk: ${risk.level}, ${risk.score} of 100.`,
    `Needs: ${needs.map(({ count, groups }) => `${count} of ${groups.map(line).join(' or ')}`).join(' and ')}.`,
    `Why it is held: ${line(review.why)}`,
  ];
  const state =
    review.state === 'waiting'
      ? [
          '',
          `It waits until ${timestamp(review.expiresAt)}. See all of it and answer after signing in:`,
          link,
          '',
          'Opening the link approves nothing.',
        ]
      : ['', `It is over: ${review.state}${review.end === undefined ? '' : `, ${line(review.end)}`}.`, link];
  return [...asked, ...state, '', `Request ${review.id}, digest ${review.digest}`].join('\n');
}

function line(text: string): string {
  const one = inert(text).replace(/\s+/g, ' ');
  return one.length > 500 ? `${one.slice(0, 500)} [cut]` : one;
}

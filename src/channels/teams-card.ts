import type { Review } from '../core/review.ts';
import { buttonText, cardOf, type CardTerms, type Room } from './card.ts';
import { button, looking } from './click.ts';

// Adaptive Cards 1.4, with the universal action model: https://adaptivecards.io/explorer/Action.Execute.html
// A message of Teams holds about 28 kB (40 kB with Unicode): https://learn.microsoft.com/microsoftteams/limits-specifications-teams

export const teamsRoom: Room = {
  statementLength: 9_000,
  factLength: 1_200,
  length: (text) => Buffer.byteLength(JSON.stringify(text)),
};

export const cardType = 'application/vnd.microsoft.card.adaptive';

export interface AdaptiveCard {
  readonly type: 'AdaptiveCard';
  readonly $schema: string;
  readonly version: '1.4';
  readonly body: readonly Readonly<Record<string, unknown>>[];
  readonly actions: readonly Readonly<Record<string, unknown>>[];
  readonly refresh?: Readonly<Record<string, unknown>>;
}

/**
 * SECURITY: a TextBlock reads a part of Markdown and `{{DATE(…)}}`; everything from data stands in a RichTextBlock,
 * whose TextRuns are plain, and nothing from data is a URL.
 */
export function teamsCard(review: Review, link: string, terms: CardTerms): AdaptiveCard {
  const card = cardOf(review, teamsRoom, terms);
  return {
    type: 'AdaptiveCard',
    $schema: 'https://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    body: [
      { type: 'TextBlock', text: card.title, size: 'Large', weight: 'Bolder', wrap: true }, // our own words
      ...card.facts.map(({ label, text }) => plain(`${label}: `, text)),
      plain('Statement:\n', card.statement, true),
      ...card.notes.map((note) => plain('', note)),
      ...(card.asksReason
        ? [{ type: 'Input.Text', id: 'reason', label: 'Reason', isMultiline: true, maxLength: 2_000 }]
        : []),
    ],
    actions:
      review.state !== 'waiting'
        ? []
        : [
            ...card.answers.map((press) => {
              const title = buttonText(press, review);
              const data = { button: button(review, press) };
              const style = press === 'refuse' ? 'destructive' : press === 'approve' ? 'positive' : 'default';
              // Clients that know no Action.Execute send the same as a message.
              const fallback = { type: 'Action.Submit', title, style, data };
              return { type: 'Action.Execute', title, verb: press, style, data, fallback };
            }),
            { type: 'Action.OpenUrl', title: 'Open', url: link },
          ],
    // Whoever opens an old card sees what became of it.
    ...(review.state === 'waiting'
      ? {
          refresh: {
            action: { type: 'Action.Execute', verb: 'refresh', data: { button: looking(review) } },
          },
        }
      : {}),
  };
}

function plain(label: string, text: string, mono = false): Readonly<Record<string, unknown>> {
  // A zero-width non-joiner of our own keeps the host from reading a date or time out of data: `{{DATE(`.
  const inert = text.replaceAll('{{', '{\u200C{');
  return {
    type: 'RichTextBlock',
    inlines: [
      { type: 'TextRun', text: label, weight: 'Bolder' },
      { type: 'TextRun', text: inert, ...(mono ? { fontType: 'Monospace' } : {}) },
    ],
  };
}

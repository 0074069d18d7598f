import type { KnownBlock, ModalView } from '@slack/web-api';
import type { Review } from '../core/review.ts';
import { buttonText, cardOf, type Card, type CardTerms, type Room } from './card.ts';
import { button } from './click.ts';

// Block Kit: 3,000 characters of text in a section, 2,000 in a field, 10 fields, 150 in a header, 75 on a button,
// 50 blocks (https://docs.slack.dev/reference/block-kit/blocks).

/** SECURITY: Slack reads `<…>` and `&` in every text; the three are escaped even where the text is plain. */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

export const slackRoom: Room = {
  statementLength: 2_800,
  factLength: 1_200,
  length: (text) => escapeSlack(text).length,
};

/** Everything from data stands in `plain_text` and is escaped: no link, mention, formatting or emoji can come of it. */
export function slackBlocks(review: Review, link: string, terms: CardTerms): KnownBlock[] {
  const card = cardOf(review, slackRoom, terms);
  return [
    { type: 'header', text: plain(card.title) },
    ...card.facts.map(({ label, text }): KnownBlock => ({
      type: 'section',
      text: plain(`${label}: ${text}`),
    })),
    { type: 'section', text: plain(`Statement:\n${card.statement}`) },
    ...card.notes.map((note): KnownBlock => ({ type: 'section', text: plain(note) })),
    ...actions(card, review, link),
  ];
}

function actions(card: Card, review: Review, link: string): KnownBlock[] {
  if (review.state !== 'waiting') return [];
  return [
    {
      type: 'actions',
      block_id: 'answers',
      elements: [
        ...card.answers.map((press) => ({
          type: 'button' as const,
          action_id: press,
          text: plain(buttonText(press, review)),
          value: button(review, press),
          ...(press === 'class'
            ? {}
            : { style: press === 'approve' ? ('primary' as const) : ('danger' as const) }),
        })),
        { type: 'button', action_id: 'open', text: plain('Open'), url: link },
      ],
    },
  ];
}

/** Asks for the reason of an approval. Nothing in it comes from data but the review's id. */
export function reasonView(id: string, bound: string): ModalView {
  return {
    type: 'modal',
    callback_id: 'reason',
    private_metadata: bound,
    title: plain('Approve'),
    submit: plain('Approve'),
    close: plain('Cancel'),
    blocks: [
      { type: 'section', text: plain(`Review ${id}: an approval needs a reason, which is written down.`) },
      {
        type: 'input',
        block_id: 'reason',
        label: plain('Reason'),
        element: {
          type: 'plain_text_input',
          action_id: 'text',
          multiline: true,
          min_length: 3,
          max_length: 2_000,
        },
      },
    ],
  };
}

function plain(text: string): { type: 'plain_text'; text: string; emoji: false } {
  return { type: 'plain_text', text: escapeSlack(text), emoji: false };
}

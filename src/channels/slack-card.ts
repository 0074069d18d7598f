import type { KnownBlock } from '@slack/web-api';
import type { Review } from '../core/review.ts';
import { cardOf, type Card, type CardTerms, type Room } from './card.ts';
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
        ...card.answers.map((vote) => ({
          type: 'button' as const,
          action_id: vote,
          text: plain(vote === 'approve' ? 'Approve once' : 'Refuse'),
          value: button(review, vote),
          style: vote === 'approve' ? ('primary' as const) : ('danger' as const),
        })),
        { type: 'button', action_id: 'open', text: plain('Open'), url: link },
      ],
    },
  ];
}

function plain(text: string): { type: 'plain_text'; text: string; emoji: false } {
  return { type: 'plain_text', text: escapeSlack(text), emoji: false };
}

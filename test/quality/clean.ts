import { allFakers, faker, type Faker } from '@faker-js/faker';
import type { Part } from './corpora.ts';
import { seeded, type Below } from './made.ts';

// What a business has in its tables, logs and sentences that is nobody's: numbers of orders, goods, parcels, times, sums,
// versions, code. Nothing of it may be masked.

export interface Clean {
  readonly kind: string;
  readonly text: string;
  readonly column?: string;
}

type Make = (faker: Faker, below: Below) => string;

const digits = (faker: Faker, length: number): string =>
  faker.string.numeric({ length, allowLeadingZeros: length > 4 });
const upper = (faker: Faker, length: number): string => faker.string.alpha({ length, casing: 'upper' });
const hex = (faker: Faker, length: number): string =>
  faker.string.hexadecimal({ length, prefix: '', casing: 'lower' });

/** Some have the address of a page in them. */
const agent = (faker: Faker): string => faker.internet.userAgent().replace(/\(\+http[^)]*\)/, '(bot)');

/** Cells. A column's name that goes with them stands behind the bar. */
const cells: Readonly<Record<string, Make>> = {
  'order id|order_id': (f) => `ORD-${digits(f, 8)}`,
  'order number|order_no': (f) => digits(f, 10),
  'long order id|order_id': (f) => `${digits(f, 3)}-${digits(f, 7)}-${digits(f, 7)}`,
  'purchase order|po_number': (f) => `PO-${f.date.past().getFullYear()}-${digits(f, 5)}`,
  'invoice|invoice_no': (f) => `INV${digits(f, 7)}`,
  'invoice with year|invoice_number': (f) => `${f.date.past().getFullYear()}/${digits(f, 6)}`,
  'invoice grouped|invoice': (f) => `${digits(f, 4)}-${digits(f, 4)}-${digits(f, 2)}`,
  'sku|sku': (f) => `${upper(f, 3)}-${digits(f, 5)}-${upper(f, 2)}`,
  'sku of digits|sku': (f) => digits(f, 8),
  'part number|part_no': (f) => `${digits(f, 4)}-${digits(f, 3)}-${upper(f, 1)}`,
  'part in groups|part_number': (f) => `${digits(f, 2)}.${digits(f, 4)}.${digits(f, 3)}`,
  'EAN|ean': (f) => f.commerce.isbn({ variant: 13, separator: '' }).replace(/^978/, '400'),
  'ISBN|isbn': (f) => f.commerce.isbn(13),
  'ISBN 10|isbn': (f) => f.commerce.isbn(10),
  'UPS parcel|tracking_number': (f) => `1Z${upper(f, 3)}${digits(f, 13)}`,
  'FedEx parcel|tracking_no': (f) => digits(f, 12),
  'USPS parcel|tracking': (f) => `9400${digits(f, 18)}`,
  'postal parcel|shipment': (f) => `RR${digits(f, 9)}DE`,
  'uuid|id': (f) => f.string.uuid(),
  'ulid|id': (f) => f.string.ulid(),
  'nanoid|public_id': (f) => f.string.nanoid(),
  'object id|_id': (f) => f.database.mongodbObjectId(),
  'snowflake|tweet_id': (f) => `1${digits(f, 18)}`,
  'bigint id|id': (f) => digits(f, 11).replace(/^0/, '1'),
  'random 16 digits|ref': (f) => digits(f, 16),
  'random 15 digits|ref': (f) => digits(f, 15),
  'random 13 digits|ref': (f) => digits(f, 13),
  'random 9 digits|ref': (f) => digits(f, 9),
  'sha1|commit': (f) => f.git.commitSha(),
  'short sha|commit': (f) => f.git.commitSha({ length: 7 }),
  'sha256|digest': (f) => hex(f, 64),
  'md5|etag': (f) => hex(f, 32),
  'image digest|image': (f) => `sha256:${hex(f, 64)}`,
  'semver|version': (f) => f.system.semver(),
  // Of one whose parts are all below 256 nobody can say that it is no address.
  'four part version|version': (_, below) => `${below(20)}.${below(9)}.${256 + below(3000)}.${below(200)}`,
  'build|build': (f) => `${f.system.semver()}+build.${digits(f, 6)}`,
  'iso time|created_at': (f) => f.date.past().toISOString(),
  'sql time|updated_at': (f) => `${f.date.past().toISOString().replace('T', ' ').replace('Z', '')}+00`,
  'date|due_date': (f) => f.date.future().toISOString().slice(0, 10),
  'us date|ship_date': (f) => f.date.past().toLocaleDateString('en-US'),
  'german date|liefertermin': (f) => f.date.past().toLocaleDateString('de-DE'),
  'compact time|ts': (f) => f.date.past().toISOString().replaceAll(/[-:T]/g, '').slice(0, 14),
  'epoch|ts': (f) => String(Math.floor(f.date.past().getTime() / 1000)),
  'epoch ms|ts': (f) => String(f.date.past().getTime()),
  'epoch us|ts': (f) => `${f.date.past().getTime()}${digits(f, 3)}`,
  'epoch fraction|ts': (f) => `${Math.floor(f.date.past().getTime() / 1000)}.${digits(f, 6)}`,
  'amount|amount': (f) => f.finance.amount(),
  'big amount|total': (_, below) => (below(900_000_000) + below(100) / 100).toLocaleString('en-US'),
  'german amount|betrag': (_, below) => `${(below(90_000_000) + below(100) / 100).toLocaleString('de-DE')} €`,
  'french amount|montant': (_, below) =>
    `${(below(90_000_000) + below(100) / 100).toLocaleString('fr-FR')} EUR`,
  'price|price': (f) => f.commerce.price({ symbol: '$' }),
  'percentage|rate': (f, below) => `${below(100)}.${digits(f, 4)}%`,
  'latitude|lat': (f) => String(f.location.latitude({ precision: 6 })),
  'coordinates|position': (f) =>
    f.location
      .nearbyGPSCoordinate()
      .map((each) => each.toFixed(5))
      .join(', '),
  'quantity|qty': (f) => digits(f, 3),
  'dimensions|size': (_, below) => `${below(900)} x ${below(900)} x ${below(900)} mm`,
  'product|product_name': (f) => f.commerce.productName(),
  'product with number|product': (f) => `${f.commerce.product()} ${upper(f, 2)}-${digits(f, 4)}`,
  'file|file': (f) => f.system.fileName(),
  'path|path': (f) => f.system.filePath(),
  'log file|file': (f) => `app-${f.date.past().toISOString().slice(0, 10)}-${digits(f, 6)}.log`,
  'colour|colour': (f) => f.color.rgb(),
  'mime|content_type': (f) => f.system.mimeType(),
  'cron|schedule': (f) => f.system.cron(),
  'user agent|user_agent': (f) => agent(f),
  'port|port': (f) => String(f.internet.port()),
  'flight|flight': (f) => f.airline.flightNumber({ addLeadingZeros: true }),
  'record locator|locator': (f) => f.airline.recordLocator(),
  'job title|role': (f) => f.person.jobTitle(),
  'status|status': (f) =>
    f.helpers.arrayElement(['shipped', 'open', 'on hold', 'paid', 'n/a', 'true', 'NULL']),
  'bytes|bytes': (f) => `${digits(f, 7)} bytes`,
  'case|case_no': (f) => `CASE-${digits(f, 9)}`,
  'ticket|ticket': (f) => `#${digits(f, 8)}`,
  'batch|batch': (f) => `LOT${digits(f, 10)}`,
  'serial|serial_no': (f) => `${upper(f, 2)}${digits(f, 8)}`,
  'aws id|resource': (f) => `i-0${hex(f, 16)}`,
  'arn|arn': (f) => `arn:aws:s3:::${f.lorem.slug(2)}-${digits(f, 12)}`,
  'score|score': (_, below) => `${below(5)}:${below(5)}`,
  'range|range': (_, below) => `${below(900)}-${900 + below(9_000)}`,
  'years|years': (_, below) => `${1990 + below(20)}-${2010 + below(15)}`,
  'warehouse place|bin': (f) => `${upper(f, 1)}-${digits(f, 2)}-${digits(f, 2)}-${digits(f, 3)}`,
  'tariff code|hs_code': (f) => `${digits(f, 4)}.${digits(f, 2)}.${digits(f, 2)}`,
  'CAS number|cas': (f) => `${digits(f, 5)}-${digits(f, 2)}-${digits(f, 1)}`,
  'patent|patent': (f) => `US ${digits(f, 1)},${digits(f, 3)},${digits(f, 3)} B2`,
  'DOI|doi': (f) => `10.${digits(f, 4)}/${f.lorem.word()}.${digits(f, 6)}`,
  'git describe|ref': (f) => `v${f.system.semver()}-${digits(f, 2)}-g${hex(f, 7)}`,
  'temperature|reading': (f, below) => `${below(60)}.${digits(f, 2)} °C`,
  'postal code|region': (f) => digits(f, 5),
};

/** Sentences and lines. */
const lines: Readonly<Record<string, Make>> = {
  'order in a sentence': (f) =>
    `Order ${digits(f, 10)} was shipped on ${f.date.past().toISOString().slice(0, 10)}.`,
  'your order': (f) => `Your order no. ${digits(f, 9)} of ${f.commerce.productName()} is on its way`,
  'invoice in a sentence': (f) =>
    `Please pay invoice ${digits(f, 8)} over ${f.finance.amount()} EUR by Friday.`,
  'parcel in a sentence': (f) => `The parcel ${digits(f, 12)} left the warehouse at ${digits(f, 2)}:15.`,
  'german order': (f) => `Ihre Bestellung ${digits(f, 9)} über ${f.commerce.price()} EUR wurde versandt.`,
  'french order': (f) => `Votre commande n° ${digits(f, 9)} a été expédiée.`,
  'spanish order': (f) => `Su pedido ${digits(f, 9)} ha sido enviado.`,
  sales: (_, below) =>
    `We sold ${below(90_000)} units for ${below(9_000_000).toLocaleString('en-US')} USD in Q${1 + below(4)}.`,
  people: (_, below) =>
    `The city has ${(1_000_000 + below(9_000_000)).toLocaleString('fr-FR')} inhabitants and grew by ${below(9)}.${below(9)} %.`,
  meeting: (f) =>
    `Meeting in room ${digits(f, 3)} on ${f.date.soon().toLocaleDateString('en-GB')} at ${digits(f, 2)}:30, agenda v${f.system.semver()}`,
  nginx: (f) =>
    `- - [${f.date.recent().toISOString()}] "GET /api/v1/orders/${digits(f, 7)} HTTP/1.1" 200 ${digits(f, 5)} "-" "${agent(f)}"`,
  'json log': (f) =>
    `{"level":30,"time":${f.date.recent().getTime()},"pid":${digits(f, 5)},"reqId":"${f.string.uuid()}","responseTime":${digits(f, 2)}.${digits(f, 6)},"msg":"request completed"}`,
  'postgres log': (f) =>
    `${f.date.recent().toISOString().replace('T', ' ').slice(0, 23)} UTC [${digits(f, 5)}] LOG:  checkpoint complete: wrote ${digits(f, 4)} buffers (${digits(f, 1)}.${digits(f, 1)}%); 0 WAL file(s) added, 0 removed, ${digits(f, 1)} recycled; write=${digits(f, 2)}.${digits(f, 3)} s, sync=0.${digits(f, 3)} s, total=${digits(f, 2)}.${digits(f, 3)} s; lsn=0/${hex(f, 7).toUpperCase()}`,
  'kernel log': (f) =>
    `[${digits(f, 5)}.${digits(f, 6)}] usb 1-${digits(f, 1)}: new high-speed USB device number ${digits(f, 2)} using xhci_hcd`,
  'java log': (f) =>
    `${f.date.recent().toISOString()} WARN 1 --- [nio-8080-exec-${digits(f, 1)}] o.h.engine.jdbc.spi.SqlExceptionHelper : SQL Error: 0, SQLState: ${digits(f, 5)}`,
  kubernetes: (f) =>
    `pod/${f.lorem.slug(2)}-${hex(f, 10)}-${hex(f, 5)} 1/1 Running 0 ${digits(f, 2)}d cpu: ${digits(f, 3)}m, memory: ${digits(f, 9)}`,
  'git log': (f) => `commit ${f.git.commitSha()}\n\n    ${f.git.commitMessage()} (#${digits(f, 5)})`,
  diff: (f) =>
    `@@ -${digits(f, 4)},${digits(f, 1)} +${digits(f, 4)},${digits(f, 1)} @@ index ${hex(f, 7)}..${hex(f, 7)} 100644`,
  code: (f) =>
    `const limit = ${digits(f, 9)}; // see ${f.hacker.noun()} ${digits(f, 4)}\nif (size > 0x${hex(f, 8)}) return [${digits(f, 3)}, ${digits(f, 3)}, ${digits(f, 4)}];`,
  css: (f) =>
    `margin: ${digits(f, 2)}px ${digits(f, 2)}px; background: ${f.color.rgb()}; transition: 0.${digits(f, 2)}s;`,
  sql: (f) =>
    `SELECT id, total FROM orders WHERE id IN (${digits(f, 8)}, ${digits(f, 8)}) AND total > ${digits(f, 5)}.00 LIMIT 100`,
  csv: (f) =>
    `${digits(f, 6)},${f.commerce.product()},${f.commerce.price()},${f.date.past().toISOString().slice(0, 10)},${digits(f, 3)}`,
  'table of numbers': (f) =>
    `${digits(f, 3)} ${digits(f, 3)} ${digits(f, 3)}\n${digits(f, 3)} ${digits(f, 3)} ${digits(f, 3)}`,
  measurements: (f) =>
    `${digits(f, 2)}.${digits(f, 3)} ${digits(f, 2)}.${digits(f, 3)} ${digits(f, 2)}.${digits(f, 3)} ${digits(f, 2)}.${digits(f, 3)}`,
  versions: (f) =>
    `Upgraded node from ${f.system.semver()} to ${f.system.semver()}, chrome ${digits(f, 3)}.0.${digits(f, 4)}.${digits(f, 2)}`,
  prose: (f) => f.lorem.sentence(),
  'company talk': (f) =>
    `${f.company.catchPhrase()}, ${f.company.buzzPhrase()} since ${f.date.past({ years: 30 }).getFullYear()}.`,
  'stack trace': (f) =>
    `    at ${f.hacker.noun()}.${f.hacker.verb()} (file:///app/src/${f.lorem.word()}.ts:${digits(f, 3)}:${digits(f, 2)})`,
  terraform: (f) => `aws_instance.web: Creation complete after ${digits(f, 2)}s [id=i-0${hex(f, 16)}]`,
  metrics: (f) =>
    `http_requests_total{method="post",code="200"} ${digits(f, 7)} ${f.date.recent().getTime()}`,
  progress: (f) =>
    `Downloading ${digits(f, 3)}.${digits(f, 1)} MB of ${digits(f, 4)}.${digits(f, 1)} MB (${digits(f, 2)}%), ${digits(f, 7)} bytes/s, ETA 00:${digits(f, 2)}:12`,
  'score line': (_, below) =>
    `Final score ${below(120)}-${below(120)}, attendance ${(10_000 + below(80_000)).toLocaleString('en-US')}`,
  recipe: (_, below) =>
    `Mix ${below(900)} g flour with ${below(900)} ml water, bake ${below(90)} min at ${100 + below(150)} °C`,
  'ref in mail': (f) =>
    `Ref: ${digits(f, 4)}-${digits(f, 4)}-${digits(f, 3)} / Contract ${digits(f, 7)} / Page 2 of 14`,
  'isbn in a sentence': (f) => `The book (ISBN ${f.commerce.isbn(13)}) has ${digits(f, 3)} pages.`,
  transaction: (f) =>
    `Transaction ID: ${digits(f, 14)} approved, auth ${digits(f, 6)}, batch ${digits(f, 4)}`,
  'japanese order': (f) => `ご注文番号${digits(f, 9)}の商品を発送しました。`,
  'chinese order': (f) => `您的订单${digits(f, 10)}已发货，金额${f.commerce.price()}元。`,
  'russian order': (f) => `Ваш заказ ${digits(f, 9)} отправлен, сумма ${f.commerce.price()} руб.`,
};

/** Streets and towns: somebody's, but no numbers that anything structured would be. Only shapes count here. */
const places: Readonly<Record<string, Make>> = {
  street: (f) => f.location.streetAddress({ useFullAddress: true }),
  'address line': (f) => `${f.location.streetAddress()}, ${f.location.zipCode()} ${f.location.city()}`,
  'address block': (f) => `${f.location.streetAddress()}\n${f.location.zipCode()} ${f.location.city()}`,
  'address in a sentence': (f) =>
    `I now live at ${f.location.streetAddress()} in ${f.location.city()}, ${f.location.zipCode()}`,
};

/** Kinds that were made up after everything above had been looked at, and of which only sums are read. */
const unseen: Readonly<Record<string, Make>> = {
  'delivery note|delivery_note': (f) => `LS-${digits(f, 4)}/${digits(f, 6)}`,
  'contract|contract_no': (f) => `${digits(f, 3)}.${digits(f, 3)}.${digits(f, 3)}-${upper(f, 1)}`,
  'meter reading|reading': (f) => `${digits(f, 6)}.${digits(f, 1)} kWh`,
  'seat|seat': (f, below) => `${1 + below(40)}${upper(f, 1)}`,
  'container|container': (f) => `${upper(f, 3)}U${digits(f, 7)}`,
  'pallet|sscc_label': (f) => `(00)${digits(f, 18)}`,
  'article in groups|article': (f) => `${digits(f, 3)} ${digits(f, 3)} ${upper(f, 2)}`,
  'work order|wo': (f) => `WO ${digits(f, 7)}`,
  'quarter|period': (f) => `Q${f.number.int({ min: 1, max: 4 })}/${f.date.past().getFullYear()}`,
  'duration|took': (f) => `${digits(f, 2)}:${digits(f, 2)}:${digits(f, 2)}.${digits(f, 3)}`,
  'dewey|shelf': (f) => `${digits(f, 3)}.${digits(f, 4)} ${upper(f, 3)}`,
  'hex colour|hex': (f) => f.color.rgb().toUpperCase(),
  'etag|etag': (f) => `W/"${hex(f, 10)}-${hex(f, 4)}"`,
  'trace id|trace_id': (f) => hex(f, 32),
  'span|span_id': (f) => hex(f, 16),
  'kafka offset|offset': (f) => digits(f, 10),
  'lsn|lsn': (f) => `${hex(f, 2).toUpperCase()}/${hex(f, 8).toUpperCase()}`,
  'go version|module': (f) =>
    `v0.0.0-${f.date.past().toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}-${hex(f, 12)}`,
  'docker tag|tag': (f) =>
    `${f.date.past().toISOString().slice(0, 10).replaceAll('-', '')}.${digits(f, 1)}-alpine3.${digits(f, 2)}`,
  'week|week': (f) => `${f.date.past().getFullYear()}-W${digits(f, 2)}`,
  'money with sign|net': (_, below) => `-${(below(9_000_000) / 100).toFixed(2)}`,
  'swiss amount|betrag': (f, below) => `CHF ${below(900)}'${digits(f, 3)}.${digits(f, 2)}`,
  'indian amount|amount': (f, below) => `₹ ${below(90)},${digits(f, 2)},${digits(f, 3)}.00`,
  'ratio|ratio': (f) => `0.${digits(f, 12)}`,
  'scientific|value': (f) => `${digits(f, 1)}.${digits(f, 6)}e-${digits(f, 2)}`,
  'chess|moves': (_, below) => `${1 + below(60)}. e4 e5 ${2 + below(60)}. Nf3`,
  'ruby log': (f) =>
    `Completed 200 OK in ${digits(f, 3)}ms (Views: ${digits(f, 2)}.${digits(f, 1)}ms | ActiveRecord: ${digits(f, 2)}.${digits(f, 1)}ms | Allocations: ${digits(f, 5)})`,
  'haproxy log': (f) =>
    `haproxy[${digits(f, 5)}]: http-in~ app/srv${digits(f, 1)} ${digits(f, 2)}/0/${digits(f, 2)}/${digits(f, 3)}/${digits(f, 3)} 200 ${digits(f, 5)} - - ---- ${digits(f, 2)}/${digits(f, 2)}/0/0/0 0/0 "GET / HTTP/2.0"`,
  'redis info': (f) =>
    `used_memory:${digits(f, 8)} used_memory_peak:${digits(f, 9)} total_commands_processed:${digits(f, 8)}`,
  'gc log': (f) =>
    `[${digits(f, 2)}.${digits(f, 3)}s][info][gc] GC(${digits(f, 3)}) Pause Young (Normal) ${digits(f, 3)}M->${digits(f, 3)}M(${digits(f, 4)}M) ${digits(f, 2)}.${digits(f, 3)}ms`,
  systemd: (f) =>
    `systemd[1]: Started Session ${digits(f, 5)} of User deploy, CPU time ${digits(f, 2)}.${digits(f, 3)}s.`,
  python: (f) =>
    `for i in range(${digits(f, 3)}, ${digits(f, 6)}): total += data[i] * ${digits(f, 1)}.${digits(f, 8)}`,
  changelog: (f) =>
    `## ${f.system.semver()} (${f.date.past().toISOString().slice(0, 10)}) fix ${f.hacker.noun()} (#${digits(f, 4)}, ${hex(f, 7)})`,
  'dutch order': (f) => `Uw bestelling ${digits(f, 9)} van ${f.commerce.price()} euro is onderweg.`,
  'italian invoice': (f) =>
    `La fattura n. ${digits(f, 7)} scade il ${f.date.soon().toLocaleDateString('it-IT')}, totale ${f.commerce.price()} EUR.`,
  'polish parcel': (f) => `Twoja paczka ${digits(f, 14)} czeka na odbiór.`,
  'portuguese order': (f) =>
    `O seu pedido nº ${digits(f, 8)} foi faturado em ${f.date.past().toLocaleDateString('pt-BR')}.`,
  report: (_, below) =>
    `Revenue rose ${below(40)}.${below(9)} % to ${below(900)}.${below(9)} million; ${below(9_000)} of ${below(90_000)} stores reported.`,
  election: (_, below) =>
    `${(100_000 + below(900_000)).toLocaleString('en-US')} votes against ${(100_000 + below(900_000)).toLocaleString('en-US')} in ${below(900)} districts`,
  exam: (f, below) =>
    `Question ${below(90)}: compute ${digits(f, 4)} + ${digits(f, 5)} * ${digits(f, 3)} = ?`,
  timetable: (f) =>
    `Train ${digits(f, 4)} departs ${digits(f, 2)}:${digits(f, 2)} from platform ${digits(f, 1)}, coach ${digits(f, 2)}, seats ${digits(f, 2)}-${digits(f, 2)}`,
};

/** `dev`: all that was looked at; `test`: what was made up afterwards. Each kind `each` times, with and without its column. */
export function clean(part: Part, each: number): readonly Clean[] {
  const below = seeded(part === 'dev' ? 404 : 909);
  faker.seed(part === 'dev' ? 17 : 71);
  const all: Clean[] = [];
  const take = (list: Readonly<Record<string, Make>>, from: () => Faker): void => {
    for (const [key, make] of Object.entries(list)) {
      const [kind = '', column] = key.split('|');
      for (let round = 0; round < each; round++) {
        const text = make(from(), below);
        all.push({ kind, text, ...(column === undefined || round % 2 === 0 ? {} : { column }) });
      }
    }
  };
  if (part === 'test') {
    take(unseen, () => faker);
    return all;
  }
  take(cells, () => faker);
  take(lines, () => faker);
  const placed = Object.entries(allFakers).flatMap(([name, other], at) => {
    if (name === 'base' || name === 'dv') return [];
    other.seed(at);
    return hasPlaces(other) ? [other] : [];
  });
  take(places, () => placed[below(placed.length)] ?? faker);
  return all;
}

/** Some locales have no postal codes. */
function hasPlaces(faker: Faker): boolean {
  try {
    return faker.location.zipCode() !== '' && faker.location.streetAddress() !== '';
  } catch {
    return false;
  }
}

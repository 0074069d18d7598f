import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { counters, gauges, histograms, type Metrics } from '../core/metrics.ts';

/** The program's metrics and their text for Prometheus. */
export interface MetricsPage extends Metrics {
  readonly contentType: string;
  readonly text: () => Promise<string>;
  /** Calls `measure` before each reading, for gauges that are measured and not counted. */
  readonly before: (measure: () => void) => void;
}

const buckets = [1e-6, 1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

export function metricsPage(): MetricsPage {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const facts = (
    name: string,
    [help, labelNames]: readonly [string, readonly string[]],
  ): { name: string; help: string; labelNames: string[]; registers: Registry[] } => ({
    name: `sallyport_${name}`,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
  const made = {
    counters: mapped(counters, (name, about) => new Counter(facts(name, about))),
    gauges: mapped(gauges, (name, about) => new Gauge(facts(name, about))),
    histograms: mapped(histograms, (name, about) => new Histogram({ ...facts(name, about), buckets })),
  };
  const measures: (() => void)[] = [];
  return {
    count: (name, labels = {}, by = 1) => made.counters[name].inc(labels, by),
    gauge: (name, value, labels = {}) => made.gauges[name].set(labels, value),
    observe: (name, seconds, labels = {}) => made.histograms[name].observe(labels, seconds),
    contentType: registry.contentType,
    text: () => {
      for (const measure of measures) measure();
      return registry.metrics();
    },
    before: (measure) => {
      measures.push(measure);
    },
  };
}

function mapped<Name extends string, About, Made>(
  table: Readonly<Record<Name, About>>,
  make: (name: Name, about: About) => Made,
): Readonly<Record<Name, Made>> {
  const entries = Object.entries(table) as unknown as readonly (readonly [Name, About])[]; // a table has no other keys
  return Object.fromEntries(entries.map(([name, about]) => [name, make(name, about)])) as Record<Name, Made>;
}

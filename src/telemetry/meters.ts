// An instrument for each metric of the list.
import type { Meter } from '@opentelemetry/api';
import { metrics, type Metric } from './metricNames.ts';
import type { Measurement } from './metricsOf.ts';

/** From a warm token to the longest run of a timer. */
const secondBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export type Recorder = (measurement: Measurement) => void;

export function createMeters(meter: Meter): Recorder {
  const instruments = new Map(
    Object.entries(metrics).map(([name, metric]) => [name, instrument(meter, name, metric)]),
  );
  return ({ name, value, attributes }) => {
    instruments.get(name)?.(value, attributes);
  };
}

function instrument(
  meter: Meter,
  name: string,
  { kind, unit, description }: Metric,
): (value: number, attributes: Measurement['attributes']) => void {
  const options = { unit, description };
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, options);
      return (value, attributes) => {
        counter.add(value, attributes);
      };
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, options);
      return (value, attributes) => {
        gauge.record(value, attributes);
      };
    }
    case 'histogram': {
      const advice = { explicitBucketBoundaries: secondBuckets };
      const histogram = meter.createHistogram(name, { ...options, advice });
      return (value, attributes) => {
        histogram.record(value, attributes);
      };
    }
  }
}

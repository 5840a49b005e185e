// The events of a timeline by columns, as a report's page has them (planner/report_events.h).

import type {TimelineEvent} from "./documents";
import {bytes_of_base64} from "./base64";

type Column = number | number[]; // a number: of all events

interface PackedEvents {
  num_events: number;
  kinds: string[];
  kind: number[];
  rank: Column;
  stage: Column;
  micro_batch: Column;
  layer: Column;
  peer: Column;
  bytes: Column;
  resident_bytes: Column;
  start_s: string;
  end_s: string;
}

const seconds_of = (text: string) => {
  const {buffer} = bytes_of_base64(text);
  return new Float64Array(buffer, 0, Math.floor(buffer.byteLength / 8)); // browsers run on little-endian machines
};

const of_column = (column: Column) => (typeof column === "number" ? () => column : (index: number) => column[index]);

/// The events one by one; what is no packed list is given back as it is.
export function unpacked_events(packed: TimelineEvent[] | PackedEvents): TimelineEvent[] {
  if (Array.isArray(packed)) return packed;
  const [start_s, end_s] = [seconds_of(packed.start_s), seconds_of(packed.end_s)];
  const [rank, stage, micro_batch] = [of_column(packed.rank), of_column(packed.stage), of_column(packed.micro_batch)];
  const [layer, peer, bytes] = [of_column(packed.layer), of_column(packed.peer), of_column(packed.bytes)];
  const resident_bytes = of_column(packed.resident_bytes);
  return packed.kind.map((kind, i) => ({
    rank: rank(i), kind: packed.kinds[kind], stage: stage(i), micro_batch: micro_batch(i), layer: layer(i), peer: peer(i),
    start_s: start_s[i], end_s: end_s[i], bytes: bytes(i), resident_bytes: resident_bytes(i)}));
}

// A report's data as planner/report_data.h packs it.

import {bytes_of_base64} from "./base64";
import type {Embedded, Timeline, TimelineEvent} from "./documents";
import {unpacked_events} from "./packed_events";

/// Puts the events of a timeline, or of a simulation's, back to one by one.
function unpack_document(document: {format?: string}): void {
  const {plans, events} = document as {plans?: {timeline: Timeline}[]; events?: TimelineEvent[]};
  if (document?.format === "cadastre-timeline/1" && events) (document as Timeline).events = unpacked_events(events);
  if (document?.format === "cadastre-simulation/1") for (const {timeline} of plans ?? []) timeline.events = unpacked_events(timeline.events);
}

/// The documents in the text of a report's data element; null in a viewer without data. Throws for
/// anything else.
export async function unpacked(text: string): Promise<Embedded | null> {
  const data = JSON.parse(text) as {deflate?: string} & Partial<Embedded> | null;
  if (data === null) return null;
  if (typeof data.deflate === "string") {
    if (typeof DecompressionStream === "undefined")
      throw new Error("This browser cannot inflate the report's data: use one of 2023 or later (Chrome 80, Safari 16.4, Firefox 113).");
    const stream = new Blob([bytes_of_base64(data.deflate)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return unpacked(await new Response(stream).text());
  }
  if (!Array.isArray(data.documents)) throw new Error("expected a report's documents, found something else");
  for (const {document} of data.documents) unpack_document(document);
  return {documents: data.documents, images: data.images ?? {}};
}

/// The data element's text of a report's page; undefined when `html` is no report.
export function data_of_page(html: string): string | undefined {
  return /<script type="application\/json" id="cadastre-data">(.*?)<\/script>/s.exec(html)?.[1];
}

// A report's data as planner/report_data.h packs it.

import type {Embedded} from "./documents";

function bytes_of_base64(text: string): Uint8Array<ArrayBuffer> {
  const decoded = atob(text);
  const bytes = new Uint8Array(decoded.length);
  for (let i = 0; i < decoded.length; ++i) bytes[i] = decoded.charCodeAt(i);
  return bytes;
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
  return {documents: data.documents, images: data.images ?? {}};
}

/// The data element's text of a report's page; undefined when `html` is no report.
export function data_of_page(html: string): string | undefined {
  return /<script type="application\/json" id="cadastre-data">(.*?)<\/script>/s.exec(html)?.[1];
}

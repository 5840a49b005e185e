// Files and folders that were dropped on the page or chosen, as what reports are made of.

import type {Embedded} from "./documents";
import {data_of_page, unpacked} from "./inflate";

/// A file with its path below what was dropped: "run7/run.json".
export interface DroppedFile {
  path: string;
  file: File;
}

/// What one report is about: all that was dropped as one folder, or as one report's page.
export interface Subject {
  name: string;
  embedded: Embedded;
}

const MOST_BYTES = 500e6; // of a document
const IMAGES = [["map", "map.png"], ["labels", "labels.png"], ["rgb", "map-rgb.png"]] as const;

function read_entry(entry: FileSystemEntry, path: string): Promise<DroppedFile[]> {
  if (entry.isFile)
    return new Promise((resolve, reject) => (entry as FileSystemFileEntry).file((file) => resolve([{path, file}]), reject));
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const read_some = (found: FileSystemEntry[]): Promise<FileSystemEntry[]> =>
    new Promise((resolve, reject) => reader.readEntries((some) => resolve(some.length > 0 ? read_some(found.concat(some)) : found), reject));
  return read_some([]).then((entries) =>
    Promise.all(entries.map((inner) => read_entry(inner, `${path}/${inner.name}`)))).then((all) => all.flat());
}

/// All files of a drop, those in folders too.
export async function files_of_drop(transfer: DataTransfer): Promise<DroppedFile[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = [...transfer.files]; // before the first wait: a drop's files are gone after it
  if (entries.every((entry) => entry === null)) return files.map((file) => ({path: file.name, file}));
  const found = await Promise.all(entries.map((entry) => (entry ? read_entry(entry, entry.name) : [])));
  return found.flat();
}

export function files_of_input(input: HTMLInputElement): DroppedFile[] {
  return [...(input.files ?? [])].map((file) => ({path: file.webkitRelativePath || file.name, file}));
}

function url_of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/// The folder that a file's report is named by: the first of its path, or the one above `run/`.
function group_of(path: string): string {
  const parts = path.split("/").slice(0, -1);
  if (parts[parts.length - 1] === "run") parts.pop();
  return parts.join("/");
}

/// Puts the files of each folder into one report, with those of its `run` folder; what is no document
/// (weights, checkpoints, scenes' rasters) is passed over, and what is one but cannot be read is told.
export async function subjects_of_files(files: DroppedFile[]): Promise<{subjects: Subject[]; refused: string[]}> {
  const groups = new Map<string, Embedded>();
  const refused: string[] = [];
  const subjects: Subject[] = [];
  const group = (path: string) => {
    const name = group_of(path);
    const found = groups.get(name) ?? {documents: [], images: {}};
    groups.set(name, found);
    return found;
  };
  for (const {path, file} of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const image = IMAGES.find(([, name]) => file.name === name)?.[0];
    if (image) group(path).images[image] = await url_of(file);
    if (!/\.(json|html)$/.test(file.name) || /(^|\/)(checkpoints|scene)\//.test(path)) continue;
    try {
      if (file.size > MOST_BYTES) throw new Error("it is larger than 500 MB");
      const text = await file.text();
      if (file.name.endsWith(".html")) {
        const embedded = await unpacked(data_of_page(text) ?? "null");
        if (embedded) subjects.push({name: path.replace(/\.html$/, ""), embedded});
        continue;
      }
      const document = JSON.parse(text) as {format?: string};
      // Of a folder's files those that are cadastre's; a file that was dropped by itself is told of.
      if (typeof document?.format === "string" || !path.includes("/")) group(path).documents.push({name: path, document});
    } catch (error) {
      refused.push(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const [name, embedded] of groups) if (embedded.documents.length > 0) subjects.push({name: name || embedded.documents[0].name, embedded});
  return {subjects, refused};
}

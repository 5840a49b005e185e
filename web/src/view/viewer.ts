// The page around the reports: what it holds, what is dropped on it, and which of several is shown.

import {type Report, gather} from "../documents";
import {type DroppedFile, type Subject, files_of_drop, files_of_input, subjects_of_files} from "../dropped";
import {compare_section} from "./compare_view";
import {el} from "./dom";
import {draw_report} from "./page";
import {add_save_menu} from "./save";

export class Viewer {
  private subjects: {name: string; report: Report}[] = [];
  private readonly messages = el("div", {class: "messages", role: "status"});
  private readonly chooser = el("div", {class: "chooser"});
  private readonly compared = el("div");
  private readonly shown = el("div");

  constructor(root: HTMLElement) {
    root.replaceChildren(this.chooser, this.messages, this.compared, this.shown);
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", ({relatedTarget}) => relatedTarget === null && document.body.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      if (event.dataTransfer) void files_of_drop(event.dataTransfer).then((files) => this.add_files(files));
    });
    this.draw(0);
  }

  add(subjects: Subject[]): void {
    const first = this.subjects.length;
    for (const {name, embedded} of subjects) this.subjects.push({name, report: gather(embedded)});
    this.draw(Math.min(first, this.subjects.length - 1));
  }

  async add_files(files: DroppedFile[]): Promise<void> {
    const {subjects, refused} = await subjects_of_files(files);
    if (subjects.length === 0 && refused.length === 0) refused.push("None of cadastre's documents was among these files: a run's folder has run.json, a plan is a .json of format cadastre-plan/1");
    this.messages.replaceChildren(...refused.map((text) => el("p", {class: "warnings"}, `${text}.`)));
    if (subjects.length > 0) this.add(subjects);
  }

  private draw(index: number): void {
    const names = this.subjects.map(({name}) => name);
    this.chooser.replaceChildren(...(this.subjects.length === 0 ? [this.welcome()] : this.subjects.length > 1 ? [this.tabs(index)] : []));
    const compared = this.subjects.length > 1 ? [compare_section(names, this.subjects.map(({report}) => report))] : [];
    this.compared.replaceChildren(...compared);
    compared.forEach(add_save_menu);
    this.shown.replaceChildren();
    if (this.subjects.length > 0) draw_report(this.shown, this.subjects[index].report);
  }

  private tabs(index: number): HTMLElement {
    const buttons = this.subjects.map(({name}, other) => {
      const button = el("button", {type: "button", "aria-pressed": other === index ? "true" : "false"}, name);
      button.addEventListener("click", () => {
        this.draw(other);
        this.chooser.querySelectorAll("button")[other]?.focus();
      });
      return button;
    });
    return el("div", {class: "tabs", role: "group", "aria-label": "Which report is shown"}, ...buttons, this.open_button("Add…"));
  }

  private open_button(label: string, folder = false): HTMLElement {
    const input = el("input", {type: "file", multiple: true, ...(folder ? {webkitdirectory: true} : {accept: ".json,.png,.html"}), class: "hidden-text", "aria-label": label, tabindex: -1});
    input.addEventListener("change", () => void this.add_files(files_of_input(input)).then(() => (input.value = "")));
    const button = el("button", {type: "button"}, label);
    button.addEventListener("click", () => input.click());
    return el("span", {}, button, input);
  }

  private welcome(): HTMLElement {
    return el("div", {class: "welcome"},
      el("h1", {}, "Drop a run here"),
      el("p", {}, "A folder of a run, a demo or a study, any of cadastre’s JSON documents, or reports: they are shown here, side by side when there are several. Nothing leaves this page."),
      el("p", {class: "buttons"}, this.open_button("Open documents…"), this.open_button("Open a folder…", true)));
  }
}

// What people type into a form with `data-keep` stays in this tab until it is sent: the end of a
// session loses nothing. The same person finds it again; for anybody else it is removed.
"use strict";

const TYPED = "careloop typed ";
const LEAVING = "careloop leaving";

const isText = (field) => field.matches("textarea, input:not([type]), input[type=text]");
const stampOf = (form) => form.elements.stamp?.value ?? "";
const names = () => Object.keys(sessionStorage).filter((name) => name.startsWith(TYPED));

function collected(form) {
  const fields = {};
  for (const field of form.elements) {
    if (isText(field) && field.value !== field.defaultValue) fields[field.name] = field.value;
    if (field.type === "radio" && field.checked) fields[field.name] = field.value;
  }
  return fields;
}

function keep(form, name) {
  const fields = collected(form);
  if (Object.keys(fields).length === 0) { sessionStorage.removeItem(name); return; }
  sessionStorage.setItem(name, JSON.stringify({ stamp: stampOf(form), fields }));
}

// Texts come back always; choices only onto the very result for which they were made.
function fill(form, kept) {
  let isNew = false;
  for (const field of form.elements) {
    if (isText(field) && field.name in kept.fields) {
      isNew ||= field.value !== kept.fields[field.name];
      field.value = kept.fields[field.name];
    }
    const isChosen = field.type === "radio" && field.value === kept.fields[field.name];
    if (isChosen && kept.stamp === stampOf(form)) field.checked = isNew = true;
  }
  return isNew;
}

function tell(form, kept, discard) {
  const line = document.createElement("p");
  line.className = "notice info";
  line.setAttribute("role", "status");
  line.textContent = kept.stamp === stampOf(form)
    ? "What you typed before is here again. It is not saved yet. "
    : "What you typed before is here again. It is not saved yet, and the result has changed since: read it again. ";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = "Discard it";
  button.addEventListener("click", () => { discard(); line.remove(); });
  line.append(button);
  form.prepend(line);
}

function restore(form, name, begun) {
  const text = sessionStorage.getItem(name);
  const details = form.closest("details");
  if (details?.open) return true; // the server has filled it with what was sent
  if (!text) return false;
  const kept = JSON.parse(text);
  if (!fill(form, kept)) return true;
  if (details) details.open = true;
  tell(form, kept, () => { form.reset(); sessionStorage.removeItem(name); begun.delete(form); });
  return true;
}

// Texts of others, of who has logged out, and of a result that is decided are not kept.
function forget(person) {
  if (sessionStorage.getItem(LEAVING) && !person) names().forEach((name) => sessionStorage.removeItem(name));
  sessionStorage.removeItem(LEAVING);
  if (!person) return;
  const here = document.querySelector("[data-decides]")?.dataset.decides;
  const forms = [...document.querySelectorAll("form[data-keep]")].map((form) => form.dataset.keep);
  for (const name of names()) {
    const [owner, task, form] = name.slice(TYPED.length).split(" ");
    const isDone = task === here && !forms.includes(`${task} ${form}`);
    if (owner !== person || isDone) sessionStorage.removeItem(name);
  }
}

// Who answers the browser's question with "stay" may send a form still.
function stay(begun, sent) {
  if (sent?.dataset.keep) begun.add(sent);
  for (const button of document.querySelectorAll("button[type=submit]:disabled")) button.disabled = false;
}

// A form that was begun is not left by a stray click; the browser asks in its own words.
function keepTyped() {
  const { person } = document.body.dataset;
  forget(person);
  if (!person) return;
  const begun = new Set();
  let sent = null;
  for (const form of document.querySelectorAll("form[data-keep]")) {
    const name = `${TYPED}${person} ${form.dataset.keep}`;
    if (restore(form, name, begun)) begun.add(form);
    form.addEventListener("input", () => {
      begun.add(form);
      keep(form, name);
      sessionStorage.removeItem(LEAVING);
    });
  }
  document.addEventListener("submit", (event) => {
    sent = event.target;
    begun.delete(sent);
    if (sent.matches("form.who")) sessionStorage.setItem(LEAVING, "yes");
  });
  addEventListener("beforeunload", (event) => {
    if (!begun.size) return;
    event.preventDefault();
    setTimeout(() => stay(begun, sent), 100);
  });
}

keepTyped();

// What the pages do better with script; all of it works without.
(() => {
  "use strict";
  const body = document.body;
  const typing = (element) =>
    element instanceof HTMLElement &&
    (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

  // Live parts: no request while the tab is hidden, while paused, while somebody works inside.
  let paused = false;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target;
    if (!(part instanceof HTMLElement) || !part.hasAttribute("data-live")) return;
    const active = document.activeElement;
    const busy = part.contains(active) && (typing(active) || active.matches(":focus-visible"));
    const open = part.querySelector("details[open]");
    if (document.hidden || paused || part.dataset.live === "off" || busy || open) event.preventDefault();
  });
  // Signed out meanwhile: the answer is the way to sign in, which is no part of this page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.target;
    if (!(part instanceof HTMLElement) || !part.hasAttribute("data-live")) return;
    const asked = new URL(part.getAttribute("hx-get"), window.location.href);
    const answered = new URL(event.detail.xhr.responseURL || asked);
    if (asked.pathname === answered.pathname) return;
    event.detail.shouldSwap = false;
    window.location.reload();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-pause]");
    if (!button) return;
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    for (const each of document.querySelectorAll("[data-pause]")) {
      each.setAttribute("aria-pressed", String(paused));
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const each of document.querySelectorAll("[data-pause]")) {
      each.hidden = false;
      each.setAttribute("aria-pressed", String(paused));
    }
  });

  // Menus: one open at a time, Escape and a click elsewhere close them.
  const drops = () => document.querySelectorAll("details[data-drop][open]");
  document.addEventListener("click", (event) => {
    for (const drop of drops()) if (!drop.contains(event.target)) drop.open = false;
  });
  document.addEventListener("focusin", (event) => {
    for (const drop of drops()) if (!drop.contains(event.target)) drop.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const drop of drops()) {
      drop.open = false;
      drop.querySelector("summary")?.focus();
    }
  });
  document.querySelector("[data-toggle-menu]")?.addEventListener("click", (event) => {
    const button = event.currentTarget;
    const menu = document.getElementById(button.getAttribute("aria-controls"));
    const open = menu.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });

  // Toasts, choices that send themselves, errors that take the focus, copying.
  const prepare = (root) => {
    for (const each of root.querySelectorAll("[data-close], [data-copy], [data-copy-table], [data-pause]")) each.hidden = false;
    for (const each of root.querySelectorAll("[data-hide-with-script]")) each.hidden = true;
  };
  prepare(document);
  document.querySelector("[data-focus]")?.focus();
  document.addEventListener("htmx:load", (event) => prepare(event.target));
  document.addEventListener("click", (event) => {
    event.target.closest?.("[data-close]")?.parentElement.remove();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-send]")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

  // One tick for all of a list.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.checkAll;
    if (!name) return;
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${name}"]`)) {
      box.checked = event.target.checked;
    }
  });

  // A double click sends a form once: the answer to the first is the one that is read.
  const sentAt = new WeakMap();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("method") !== "post") return;
    if (event.timeStamp - (sentAt.get(form) ?? -Infinity) < 1000) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else {
      sentAt.set(form, event.timeStamp);
    }
  }, true);

  // A form that was changed and not sent: the browser asks before it is lost.
  let unsaved = false;
  document.addEventListener("input", (event) => {
    if (event.target.form?.hasAttribute("data-guard")) unsaved = true;
  });
  document.addEventListener("submit", () => { unsaved = false; });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  // Keyboard: "/" search, "?" help, "g" and a letter go somewhere. Can be switched off in the account.
  const places = { h: "/", c: "/calls/", b: "/budgets/", p: "/phone/" };
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (!body.hasAttribute("data-shortcuts") || typing(document.activeElement)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (going && places[event.key]) {
      window.location.assign(places[event.key]);
    } else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        document.getElementById("menu")?.classList.add("open");
        search.focus();
      }
    } else if (event.key === "?") {
      const help = document.querySelector("[data-help]");
      if (help) window.location.assign(help.href);
    }
    going = event.key === "g";
    if (going) setTimeout(() => { going = false; }, 1000);
  });
})();

// --- account: show the password, and the offline page of the installed app ---
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-show-password]")) {
    const field = document.getElementById(button.dataset.showPassword);
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
      field.focus();
    });
  }
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("/service-worker.js").catch(() => undefined);
  }
})();

// --- lists: tick all on this page ---
(() => {
  "use strict";
  // Heard at the document, because live lists bring their heads anew; the form's own list
  // knows those boxes too that stand elsewhere and name the form.
  document.addEventListener("change", (event) => {
    const all = event.target.closest?.("[data-tick-all]");
    if (!all) return;
    for (const box of all.form.elements) if (box.name === all.dataset.tickAll) box.checked = all.checked;
  });

  // --- calls ---
  // The table as CSV: what is shown, in the separator of the reader's language; no formula.
  const cell = (element, separator) => {
    let text = (element.querySelector("[data-cell]") ?? element).textContent.trim().replace(/\s+/g, " ");
    if (/^[=+\-@\t\r]/.test(text) && !/^\+?[0-9]+\**$/.test(text)) text = "'" + text;
    return text.includes(separator) || /["\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy-table]");
    if (!button) return;
    const table = document.getElementById(button.dataset.copyTable);
    const separator = button.dataset.separator;
    const lines = [...table.rows].map((row) => [...row.cells].map((each) => cell(each, separator)).join(separator));
    await navigator.clipboard.writeText(lines.join("\r\n"));
    const words = button.querySelector("span");
    const before = words.textContent;
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, 1500);
  });
  // An address that can be read and shared: what was left empty does not stand in it.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches?.("form.tg-call-filter")) return;
    const words = event.detail.formData;
    for (const [name, value] of [...words.entries()]) if (value === "") words.delete(name);
  });
  // Days that are typed count: the period becomes "chosen days".
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.elements.period && /^(start|end)$/.test(event.target.name)) form.elements.period.value = "range";
  });
})();

// Service worker: shows the offline page when the network is away. Nothing else is ever kept.
"use strict";
const SHELF = "tollgate-offline-1";
const PAGE = "/offline/";

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const shelf = await caches.open(SHELF);
    const page = await fetch(PAGE, { cache: "reload" });
    const text = await page.clone().text();
    await shelf.put(PAGE, page);
    const needs = [...text.matchAll(/(?:href|src)="(\/static\/[^"]+\.(?:css|svg|js))"/g)];
    await Promise.all(needs.map(([, path]) => shelf.add(path).catch(() => undefined)));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHELF) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(async () => (await caches.match(PAGE)) ?? Response.error()));
  } else if (new URL(event.request.url).pathname.startsWith("/static/")) {
    event.respondWith(fetch(event.request).catch(async () => (await caches.match(event.request)) ?? Response.error()));
  }
});

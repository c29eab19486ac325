/** A server for a cross-origin isolated page: threads of wasm need one. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** @param folders path prefix -> folder */
export async function serveFiles(
  folders: Readonly<Record<string, string>>,
): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname));
    const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
    if (path === "/")
      return void response.writeHead(200, { "content-type": "text/html", ...headers }).end("<!doctype html>");
    const prefix = Object.keys(folders).find((p) => path.startsWith(p));
    const file = prefix && join(folders[prefix] as string, path.slice(prefix.length));
    if (!file || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404, headers).end();
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, ...headers }).end(readFileSync(file));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

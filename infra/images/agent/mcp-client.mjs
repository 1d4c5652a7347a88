#!/usr/bin/env node
// The MCP client of an attempt: to the agent CLI a local MCP server, to the tool server a client.
//
// It exists so that an agent is offered the tools its run names and no others, whichever agent CLI works: a tool server
// has far more, and not every CLI can leave some out. /config/client-config.json says which:
// {"server": URL of the tool server (streamable HTTP), "tools": [names]}.

import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

const CONFIG = process.argv[2] ?? `${process.env.POD_ROOT ?? ""}/config/client-config.json`;
const IDENTITY = { name: "mcp-client", version: "1.0.0" };
const CALL_MILLISECONDS = 300_000; // longest a tool may take

function say(message) {
  process.stderr.write(`mcp-client: ${message}\n`); // standard output is the protocol's
}

// configured: the URL and the names of CONFIG; throws where they are not of that shape.
function configured() {
  const { server, tools } = JSON.parse(readFileSync(CONFIG, "utf8"));
  if (!Array.isArray(tools) || tools.some((name) => typeof name !== "string")) {
    throw new TypeError("tools must be a list of names");
  }
  return { url: new URL(server), names: new Set(tools) };
}

// every: all tools of the tool server, page by page.
async function every(remote) {
  const found = [];
  let cursor;
  do {
    const page = await remote.listTools({ cursor });
    found.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor);
  return found;
}

async function offered(remote, names) {
  const tools = (await every(remote)).filter((tool) => names.has(tool.name));
  const there = new Set(tools.map((tool) => tool.name));
  const missing = [...names].filter((name) => !there.has(name));
  if (missing.length) say(`the tool server has no ${missing.join(", ")}`);
  return tools;
}

async function main() {
  const { url, names } = configured();
  const remote = new Client(IDENTITY);
  await remote.connect(new StreamableHTTPClientTransport(url));
  const tools = await offered(remote, names);

  const local = new Server(IDENTITY, { capabilities: { tools: {} } });
  local.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  local.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    if (!names.has(params.name)) throw new McpError(ErrorCode.InvalidParams, `this run has no tool ${params.name}`);
    return remote.callTool({ name: params.name, arguments: params.arguments }, undefined, { timeout: CALL_MILLISECONDS });
  });
  local.onclose = () => remote.close();
  await local.connect(new StdioServerTransport());
}

try {
  await main();
} catch (error) {
  say(`${CONFIG}: ${error.message}`);
  process.exit(1);
}

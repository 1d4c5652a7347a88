// A tool server for tests, with the real SDK: three tools over streamable HTTP on loopback. Prints its port.
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

function tools() {
  const server = new McpServer({ name: "test-tools", version: "1.0.0" });
  for (const name of ["memory_query", "docs_query", "delete_everything"]) {
    server.registerTool(name, { description: name }, () => ({ content: [{ type: "text", text: `${name} answered` }] }));
  }
  return server;
}

const http = createServer(async (request, response) => {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await tools().connect(transport);
  await transport.handleRequest(request, response);
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
process.stdin.on("end", () => process.exit()).resume(); // ends with the test that started it

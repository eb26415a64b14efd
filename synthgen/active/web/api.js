// Talking to the server: JSON both ways, the session's token in a header, and one kind of error.

let csrf = "";

export class ApiError extends Error {
  // status 0: the server was not reached
  constructor(status, data) {
    super(data?.error ?? (status ? `the server answered ${status}` : "the server cannot be reached"));
    this.status = status;
    this.data = data ?? {};
  }
}

export function setToken(token) {
  csrf = token;
}

export async function call(method, path, body, keepalive = false) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers, keepalive, body: body === undefined ? undefined : JSON.stringify(body), credentials: "same-origin",
    });
  } catch {
    throw new ApiError(0);
  }
  let data = null;
  try {
    data = await response.json();
  } catch { /* an empty or broken answer has no words */ }
  if (!response.ok) throw new ApiError(response.status, data);
  return data;
}

export const get = (path) => call("GET", path);

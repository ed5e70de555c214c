// A session that ended while files were being sent, and whether another tab has begun a new one.

/**
 * Looks whether somebody is signed in, and takes over the token of their session.
 * @returns {Promise<boolean>}
 */
export async function refreshSignIn() {
  const answer = await fetch(location.href, { redirect: "manual" }).catch(() => null);
  if (!answer?.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector('meta[name="csrf-token"]')?.getAttribute("content");
  if (!token) return false;
  document.querySelector('meta[name="csrf-token"]')?.setAttribute("content", token);
  return true;
}

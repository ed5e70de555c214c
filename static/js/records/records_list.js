// The list of a case's records, as the server renders it.

/**
 * @param {HTMLElement} list
 * @returns {boolean} whether a record is still being checked, so that the list will change
 */
export function isChanging(list) {
  return list.querySelector('[data-changing="true"]') !== null;
}

/**
 * Fetches the list again. Leaves it as it is when the server cannot be reached, or when somebody's
 * focus is in it.
 * @param {HTMLElement} list
 * @param {string} url
 */
export async function refreshRecordsList(list, url) {
  const headers = { "X-Requested-With": "fetch" };
  const answer = await fetch(url, { headers }).catch(() => null);
  if (answer?.ok && !list.contains(document.activeElement)) list.innerHTML = await answer.text();
}

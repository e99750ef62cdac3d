// The viewer's own key for sessions over a broker. It is made in this browser,
// stays in it, and no script can read its private half.

const store = 'keys';

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** viewerKey returns this browser's key pair of a name (ECDSA, P-256), and makes it at the first call. */
export async function viewerKey(name = 'viewer') {
  const opening = indexedDB.open('edgecam', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(store);
  const db = await done(opening);
  try {
    const kept = await done(db.transaction(store).objectStore(store).get(name));
    if (kept) return kept;
    const made = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    // Another window may have been first: then its key is the one.
    const keys = db.transaction(store, 'readwrite').objectStore(store);
    const other = await done(keys.get(name));
    if (other) return other;
    await done(keys.add(made, name));
    return made;
  } finally {
    db.close();
  }
}

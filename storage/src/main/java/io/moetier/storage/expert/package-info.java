/// The expert store: one contiguous, page-aligned block per expert in a Chronicle Map file, written once, read many
/// times.
///
/// [ExpertStoreWriter] is the only door to Chronicle Map; [ExpertStore] and [StoreVerifier] read the same files through
/// plain channels at the offsets of the manifest, so that a run loads no Chronicle class and needs no write permission.
@NullMarked
package io.moetier.storage.expert;

import org.jspecify.annotations.NullMarked;

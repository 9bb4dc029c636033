/// The expert store: one contiguous, page-aligned block per expert in a Chronicle Map file, written once, read many
/// times.
@NullMarked
package io.moetier.storage.expert;

import org.jspecify.annotations.NullMarked;

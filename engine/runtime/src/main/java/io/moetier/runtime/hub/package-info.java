/// The hub of models: what is in a repository there, what of it a name means, and how it comes here.
///
/// Threads: a [io.moetier.runtime.hub.Hub] may be asked by several at once.
@NullMarked
package io.moetier.runtime.hub;

import org.jspecify.annotations.NullMarked;

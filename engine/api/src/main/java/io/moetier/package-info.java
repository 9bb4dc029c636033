/// Runs Mixture-of-Experts language models larger than memory.
///
/// [Model#open(java.nio.file.Path)] loads a model; a [Chat] or a [Completion] of it answers. What is here is all that
/// an embedder needs, and no type of another package is in its signatures but those of the JDK.
///
/// What a listener, observer or policy of the embedder's throws ends the answer or the import, and comes back as it
/// is.
///
/// Threads: a [Model] may be shared. A [Chat] and a [Completion] belong to one thread at a time, but for their
/// `cancel`, which any thread may call. Answers of one model take turns, layer by layer of one step after the other.
@NullMarked
package io.moetier;

import org.jspecify.annotations.NullMarked;

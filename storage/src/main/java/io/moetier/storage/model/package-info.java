/// What a checkpoint says of itself: ids, element types, tensor headers. Records only; no I/O.
@NullMarked
package io.moetier.storage.model;

import org.jspecify.annotations.NullMarked;

/// From a checkpoint directory to an expert store: packing, quantising, publishing.
@NullMarked
package io.moetier.runtime.convert;

import org.jspecify.annotations.NullMarked;

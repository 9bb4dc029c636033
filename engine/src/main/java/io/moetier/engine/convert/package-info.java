/// From a checkpoint directory to an expert store: packing, quantising, publishing.
@NullMarked
package io.moetier.engine.convert;

import org.jspecify.annotations.NullMarked;

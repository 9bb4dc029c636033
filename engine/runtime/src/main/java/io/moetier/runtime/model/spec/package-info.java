/// What a model computes, as records: layers, attention, routers and experts with their tensor names and shapes.
@NullMarked
package io.moetier.runtime.model.spec;

import org.jspecify.annotations.NullMarked;

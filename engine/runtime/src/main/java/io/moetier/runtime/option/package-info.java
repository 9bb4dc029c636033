/// What is said of options that cannot be. Immutable, and owner of no memory.
@NullMarked
package io.moetier.runtime.option;

import org.jspecify.annotations.NullMarked;

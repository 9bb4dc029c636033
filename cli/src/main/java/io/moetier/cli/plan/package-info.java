/// What a model would take of memory, and how fast it would be, before it is there.
@NullMarked
package io.moetier.cli.plan;

import org.jspecify.annotations.NullMarked;

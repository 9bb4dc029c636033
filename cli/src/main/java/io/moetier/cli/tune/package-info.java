/// What budgets and policies of offloading would give.
@NullMarked
package io.moetier.cli.tune;

import org.jspecify.annotations.NullMarked;

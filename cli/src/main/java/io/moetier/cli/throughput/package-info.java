/// Where the time goes, over a sweep of prompts, depths, budgets and threads, and what became slower.
@NullMarked
package io.moetier.cli.throughput;

import org.jspecify.annotations.NullMarked;

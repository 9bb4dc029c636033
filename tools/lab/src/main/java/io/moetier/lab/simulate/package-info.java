/// Replays routing traces through the caches and policies of the engine, without weights: what a budget and a policy
/// would have found, moved and cost.
@NullMarked
package io.moetier.lab.simulate;

import org.jspecify.annotations.NullMarked;

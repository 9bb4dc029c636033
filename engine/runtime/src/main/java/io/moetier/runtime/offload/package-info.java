/// Which bytes move, and when: tiers of experts in the memory of devices and in pinned main memory, and the loaders
/// that fill their slots. [io.moetier.runtime.offload.ExpertTiers] tells how threads work together here.
@NullMarked
package io.moetier.runtime.offload;

import org.jspecify.annotations.NullMarked;

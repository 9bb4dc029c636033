/// Memory for experts, cut into equal slots that can be given back and taken again. Decides nothing but which slot is
/// missed least, by the cache's policy; bytes of experts are moved elsewhere. Owned by the tiers, and called as they
/// are.
@NullMarked
package io.moetier.runtime.slots;

import org.jspecify.annotations.NullMarked;

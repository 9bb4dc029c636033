package io.moetier.cluster.membership;

/// One process of a cluster.
///
/// @param id tells this process from all others, also from one of that name that was there before
/// @param name what people call it
/// @param offer what others may use of it
public record Member(String id, String name, Offer offer) {}

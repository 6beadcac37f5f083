import Layers

/// What the parts of a Vision Transformer keep in a forward pass's memory.
extension Workspace.Role {
    static var patchPixels: Self { Self("patchPixels") }
    static var patches: Self { Self("patches") }
    static var tokens: Self { Self("tokens") }
    static var normed: Self { Self("normed") }
    static var hidden: Self { Self("hidden") }
    static var gate: Self { Self("gate") }
    static var leading: Self { Self("leading") }
    static var leadingNormed: Self { Self("leadingNormed") }
    static var pooled: Self { Self("pooled") }
    static var features: Self { Self("features") }
}

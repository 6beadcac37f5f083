import TensorCore
import ViT
import WeightMapping

/// What may be laid out otherwise in the parameters.
extension HypothesisFamily {
    static let qkvOrder = HypothesisFamily { subject in
        let isMapTraced = subject.reference.activations.contains { $0.name.hasSuffix(".attn.qkv") }
        let orders = QKVOrder.all.filter {
            $0 != .canonical && $0 != subject.prepared.options.repairs.qkvOrder
        }
        func hypothesis(
            _ order: QKVOrder, at place: NetworkPlace.Part, until last: NetworkPlace.Part, comparesMap: Bool
        ) -> Hypothesis {
            Hypothesis(
                .qkvOrder, "attn.qkv in the order \(order) instead of \(QKVOrder.canonical)",
                flag: "--qkv-order \(order)", at: place, until: last
            ) { variant in
                var repairs = Repairs()
                repairs.qkvOrder = order
                try variant.apply(repairs)
                if !comparesMap { variant.notComparable.append(".attn.qkv") }
            }
        }
        guard isMapTraced else {
            return orders.map { hypothesis($0, at: .qkv, until: .projection, comparesMap: true) }
        }
        // Either the reference's map gives them in the model's order, or its attention takes them in another one.
        return orders.flatMap {
            [
                hypothesis($0, at: .qkv, until: .qkv, comparesMap: true),
                hypothesis($0, at: .attention, until: .projection, comparesMap: false),
            ]
        }
    }

    static let transposed = HypothesisFamily { subject in
        let patch = subject.configuration.patchSize
        return TransposedKernels.allCases.filter { $0 != .patch || patch.height == patch.width }.map {
            kernels in
            let (name, place): (String, NetworkPlace.Part) =
                switch kernels {
                case .projection: ("attn.proj.weight", .projection)
                case .qkv: ("queries', keys' and values' kernels", .qkv)
                case .square: ("every square kernel", .qkv)
                case .patch: ("the patch embedding's kernel", .patches)
                }
            return Hypothesis(
                .transposedKernels, "\(name) transposed", flag: "--transposed-kernels \(kernels.rawValue)",
                at: place, until: kernels == .square ? .projection : place
            ) { variant in
                var repairs = Repairs()
                repairs.transposed = kernels
                try variant.apply(repairs)
            }
        }
    }

    static let positions = HypothesisFamily { subject in
        let configuration = subject.configuration
        let hasClassRow = configuration.positionPrefixCount > 0
        return PositionArrangement.allCases.compactMap { arrangement in
            let words: String
            switch arrangement {
            case .classLast where hasClassRow:
                words = "the class token's position is the last row instead of the first"
            case .classAbsent where hasClassRow: words = "no position is added to the class token"
            case .transposed where configuration.patchCount > 1:
                words = "positions in column-major instead of row-major order"
            case .none: words = "no positions are added"
            default: return nil
            }
            return Hypothesis(
                .positions, words, flag: "--pos-embed \(arrangement.rawValue)", at: .positions
            ) { variant in
                var repairs = Repairs()
                repairs.positions = arrangement
                try variant.apply(repairs)
            }
        }
    }

    /// Only where positions were resampled here can another way be tried.
    static let positionResampling = HypothesisFamily { subject in
        let (prepared, current) = (subject.prepared, subject.prepared.options.interpolation)
        guard prepared.options.imageSize != nil else { return [] }
        return PositionInterpolation.allCases.filter { $0 != current }.map { interpolation in
            Hypothesis(
                .positionResampling,
                "positions resampled by \(interpolation.rawValue) instead of \(current.rawValue)",
                flag: "--pos-embed-resampling \(interpolation.rawValue)", at: .positions
            ) { variant in
                var options = prepared.options
                options.interpolation = interpolation
                let other = try PreparedModel(prepared.checkpoint, options: options)
                guard let view = other.parameters.first(where: { $0.name == "pos_embed" })?.view else {
                    return
                }
                variant.parameters["pos_embed"] = try ModelVariant.widened(view)
            }
        }
    }

    /// Without activations it cannot be told from a class row that is the last, and puts right the same.
    static let classToken = HypothesisFamily { subject in
        let configuration = subject.configuration
        guard configuration.positionPrefixCount == 1, configuration.prefixCount == 1,
            subject.reference.activations.contains(where: { NetworkPlace(activation: $0.name).depth != nil })
        else { return [] }
        return [
            Hypothesis(
                .classToken, "the class token behind the patches instead of before them",
                flag: "--pos-embed class-last", at: .positions
            ) { variant in
                var repairs = Repairs()
                repairs.positions = .classLast
                try variant.apply(repairs)
                variant.hasClassTokenLast = true
                variant.notComparable.append(".attn_drop")
            }
        ]
    }

    static let halfParameters = HypothesisFamily { subject in
        guard subject.prepared.storedDType == .f32 else { return [] }
        return [DType.f16, .bf16].map { dtype in
            Hypothesis(
                .halfPrecision, "the reference was computed from parameters rounded to \(dtype.rawValue)",
                flag: "--dtype \(dtype.rawValue.lowercased())", at: .patches, isSubtle: true
            ) { variant in
                for (name, view) in variant.parameters {
                    variant.parameters[name] = try ModelVariant.widened(view.converted(to: dtype))
                }
            }
        }
    }
}

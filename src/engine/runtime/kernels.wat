;; In-place kernels over ranges of one memory. Assembled by scripts/build-kernels.js into kernels.ts.
;; Pointers and lengths are in bytes; every range starts on 16 bytes and its length is a multiple of 16.
;; No fused multiply-add: each operation rounds once, so the bytes are the same on every machine.
(module
  (import "limbeck" "memory" (memory 1))

  ;; destination = source
  (func (export "copy") (param $destination i32) (param $source i32) (param $bytes i32)
    (memory.copy (local.get $destination) (local.get $source) (local.get $bytes)))

  ;; destination = value
  (func (export "fill") (param $destination i32) (param $bytes i32) (param $value f32)
    (local $end i32) (local $values v128)
    (local.set $end (i32.add (local.get $destination) (local.get $bytes)))
    (local.set $values (f32x4.splat (local.get $value)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $destination) (local.get $end)))
        (v128.store (local.get $destination) (local.get $values))
        (local.set $destination (i32.add (local.get $destination) (i32.const 16)))
        (br $next))))

  ;; destination += source
  (func (export "add") (param $destination i32) (param $source i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $destination) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $destination) (local.get $end)))
        (v128.store (local.get $destination)
          (f32x4.add (v128.load (local.get $destination)) (v128.load (local.get $source))))
        (local.set $destination (i32.add (local.get $destination) (i32.const 16)))
        (local.set $source (i32.add (local.get $source) (i32.const 16)))
        (br $next))))

  ;; destination *= factor
  (func (export "scale") (param $destination i32) (param $bytes i32) (param $factor f32)
    (local $end i32) (local $factors v128)
    (local.set $end (i32.add (local.get $destination) (local.get $bytes)))
    (local.set $factors (f32x4.splat (local.get $factor)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $destination) (local.get $end)))
        (v128.store (local.get $destination)
          (f32x4.mul (v128.load (local.get $destination)) (local.get $factors)))
        (local.set $destination (i32.add (local.get $destination) (i32.const 16)))
        (br $next))))

  ;; destination += rate * (source - destination)
  (func (export "approach") (param $destination i32) (param $source i32) (param $bytes i32) (param $rate f32)
    (local $end i32) (local $values v128) (local $rates v128)
    (local.set $end (i32.add (local.get $destination) (local.get $bytes)))
    (local.set $rates (f32x4.splat (local.get $rate)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $destination) (local.get $end)))
        (local.set $values (v128.load (local.get $destination)))
        (v128.store (local.get $destination)
          (f32x4.add (local.get $values)
            (f32x4.mul (f32x4.sub (v128.load (local.get $source)) (local.get $values)) (local.get $rates))))
        (local.set $destination (i32.add (local.get $destination) (i32.const 16)))
        (local.set $source (i32.add (local.get $source) (i32.const 16)))
        (br $next))))

  ;; sum of squares; squares and sums in float64, so that no float32 gradient overflows it
  (func (export "sumOfSquares") (param $source i32) (param $bytes i32) (result f64)
    (local $end i32) (local $values v128) (local $wide v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $source) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $source) (local.get $end)))
        (local.set $values (v128.load (local.get $source)))
        (local.set $wide (f64x2.promote_low_f32x4 (local.get $values)))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $wide
          (f64x2.promote_low_f32x4
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $values) (local.get $values))))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $wide) (local.get $wide))))
        (local.set $source (i32.add (local.get $source) (i32.const 16)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low))))

  ;; g = gradientScale * gradient + decay * parameter;  v = momentum * v + g
  ;; parameter -= lr * (nesterov ? g + momentum * v : v)
  (func (export "sgd")
    (param $parameter i32) (param $gradient i32) (param $velocity i32) (param $bytes i32)
    (param $gradientScale f32) (param $decay f32) (param $lr f32) (param $momentum f32) (param $nesterov i32)
    (local $end i32) (local $p v128) (local $g v128) (local $v v128)
    (local $scales v128) (local $decays v128) (local $rates v128) (local $momenta v128)
    (local.set $end (i32.add (local.get $parameter) (local.get $bytes)))
    (local.set $scales (f32x4.splat (local.get $gradientScale)))
    (local.set $decays (f32x4.splat (local.get $decay)))
    (local.set $rates (f32x4.splat (local.get $lr)))
    (local.set $momenta (f32x4.splat (local.get $momentum)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $parameter) (local.get $end)))
        (local.set $p (v128.load (local.get $parameter)))
        (local.set $g
          (f32x4.add
            (f32x4.mul (v128.load (local.get $gradient)) (local.get $scales))
            (f32x4.mul (local.get $p) (local.get $decays))))
        (local.set $v
          (f32x4.add (f32x4.mul (v128.load (local.get $velocity)) (local.get $momenta)) (local.get $g)))
        (v128.store (local.get $velocity) (local.get $v))
        (if (local.get $nesterov)
          (then (local.set $v (f32x4.add (local.get $g) (f32x4.mul (local.get $v) (local.get $momenta))))))
        (v128.store (local.get $parameter)
          (f32x4.sub (local.get $p) (f32x4.mul (local.get $v) (local.get $rates))))
        (local.set $parameter (i32.add (local.get $parameter) (i32.const 16)))
        (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
        (local.set $velocity (i32.add (local.get $velocity) (i32.const 16)))
        (br $next))))

  ;; Adam (decay > 0: L2 in the gradient) and AdamW (shrink = 1 - lr * weight decay):
  ;; g = gradientScale * gradient + decay * parameter
  ;; m += rate1 * (g - m);  v = beta2 * v + rate2 * (g * g)         rate = 1 - beta
  ;; parameter = shrink * parameter - stepSize * (m / (sqrt(v) * inverseRoot + epsilon))
  ;; stepSize = lr / (1 - beta1^t), inverseRoot = 1 / sqrt(1 - beta2^t)
  (func (export "adam")
    (param $parameter i32) (param $gradient i32) (param $first i32) (param $second i32) (param $bytes i32)
    (param $gradientScale f32) (param $decay f32) (param $shrink f32)
    (param $rate1 f32) (param $beta2 f32) (param $rate2 f32)
    (param $stepSize f32) (param $inverseRoot f32) (param $epsilon f32)
    (local $end i32) (local $p v128) (local $g v128) (local $m v128) (local $v v128)
    (local $scales v128) (local $decays v128) (local $shrinks v128) (local $rates1 v128) (local $betas2 v128)
    (local $rates2 v128) (local $stepSizes v128) (local $inverseRoots v128) (local $epsilons v128)
    (local.set $end (i32.add (local.get $parameter) (local.get $bytes)))
    (local.set $scales (f32x4.splat (local.get $gradientScale)))
    (local.set $decays (f32x4.splat (local.get $decay)))
    (local.set $shrinks (f32x4.splat (local.get $shrink)))
    (local.set $rates1 (f32x4.splat (local.get $rate1)))
    (local.set $betas2 (f32x4.splat (local.get $beta2)))
    (local.set $rates2 (f32x4.splat (local.get $rate2)))
    (local.set $stepSizes (f32x4.splat (local.get $stepSize)))
    (local.set $inverseRoots (f32x4.splat (local.get $inverseRoot)))
    (local.set $epsilons (f32x4.splat (local.get $epsilon)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $parameter) (local.get $end)))
        (local.set $p (v128.load (local.get $parameter)))
        (local.set $g
          (f32x4.add
            (f32x4.mul (v128.load (local.get $gradient)) (local.get $scales))
            (f32x4.mul (local.get $p) (local.get $decays))))
        (local.set $m (v128.load (local.get $first)))
        (local.set $m
          (f32x4.add (local.get $m) (f32x4.mul (f32x4.sub (local.get $g) (local.get $m)) (local.get $rates1))))
        (v128.store (local.get $first) (local.get $m))
        (local.set $v
          (f32x4.add
            (f32x4.mul (v128.load (local.get $second)) (local.get $betas2))
            (f32x4.mul (f32x4.mul (local.get $g) (local.get $g)) (local.get $rates2))))
        (v128.store (local.get $second) (local.get $v))
        (v128.store (local.get $parameter)
          (f32x4.sub
            (f32x4.mul (local.get $p) (local.get $shrinks))
            (f32x4.mul
              (f32x4.div
                (local.get $m)
                (f32x4.add
                  (f32x4.mul (f32x4.sqrt (local.get $v)) (local.get $inverseRoots))
                  (local.get $epsilons)))
              (local.get $stepSizes))))
        (local.set $parameter (i32.add (local.get $parameter) (i32.const 16)))
        (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
        (local.set $first (i32.add (local.get $first) (i32.const 16)))
        (local.set $second (i32.add (local.get $second) (i32.const 16)))
        (br $next))))
)

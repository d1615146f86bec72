module coupon-rush/bench/burst

go 1.21
